import { render } from 'preact';
import { App } from './app';

const root = document.getElementById('app');
if (root !== null) {
  // The frame of the page that came with the document has done its work.
  root.replaceChildren();
  render(<App />, root);
}
