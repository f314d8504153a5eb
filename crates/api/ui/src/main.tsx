import 'uplot/dist/uPlot.min.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/members.css';
import './styles/panels.css';
import './styles/charts.css';
import './styles/fleet.css';
import './styles/alerts.css';
import './styles/forms.css';
import './styles/time-line.css';
import './styles/links.css';
import './styles/incidents.css';
import './styles/benchmarks.css';

import { render } from 'preact';
import { App } from './app';
import { Feed } from './feed';
import { first } from './first';
import { followLinks } from './navigation';
import { followTheme } from './theme';

async function show(root: HTMLElement): Promise<void> {
  const feed = new Feed();
  feed.start();
  followTheme(() => dispatchEvent(new Event('themechange')));
  followLinks();
  feed.begin(await first());
  root.textContent = '';
  render(<App feed={feed} />, root);
}

const root = document.getElementById('app');
if (root != null) void show(root);
