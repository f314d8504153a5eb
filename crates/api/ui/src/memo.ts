// Components that draw again only when what they are given says something else.

import type { ComponentType } from 'preact';
import { Component, createElement } from 'preact';

/** `component`, drawn again only when its properties differ as JSON, which is what came from the daemon. */
export function memo<P extends object>(component: ComponentType<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return JSON.stringify(next) !== JSON.stringify(this.props);
    }

    override render() {
      return createElement(component, this.props as P);
    }
  };
}
