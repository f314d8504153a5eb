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

import { render } from 'preact';
import { App } from './app';
import { Feed } from './feed';
import { followLinks } from './navigation';
import { followTheme } from './theme';

const feed = new Feed();
const root = document.getElementById('app');
if (root != null) {
  root.textContent = '';
  followTheme(() => dispatchEvent(new Event('themechange')));
  followLinks();
  render(<App feed={feed} />, root);
  feed.start();
}
