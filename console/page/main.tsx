import { render } from 'preact';
import { App } from './app';

const root = document.getElementById('app');
if (root !== null) {
  // Replaces the frame that came with the document.
  root.replaceChildren();
  render(<App />, root);
}
