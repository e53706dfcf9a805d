import { Icon } from './parts';
import { useReporter } from './toasts';

/** Puts a text on the clipboard. @param what names the text, such as `task id` */
export function Copy({ text, what, label }: { text: string; what: string; label?: string }) {
  const reporter = useReporter();
  const copy = (): Promise<void> =>
    reporter.attempt(async () => {
      await navigator.clipboard.writeText(text).catch(() => {
        throw new Error('The browser does not let this page write to the clipboard.');
      });
      return `Copied: ${what}.`;
    });
  return (
    <button
      type="button"
      class={label === undefined ? 'copy' : 'button'}
      {...(label === undefined && { 'aria-label': `Copy ${what}`, title: `Copy ${what}` })}
      onClick={copy}
    >
      <Icon name="copy" />
      {label}
    </button>
  );
}

/** A whole id or address, with a button that copies it. */
export function Value({ text, what }: { text: string; what: string }) {
  return (
    <span class="value">
      <code>
        <bdi>{text}</bdi>
      </code>
      <Copy text={text} what={what} />
    </span>
  );
}

/** A longer text in its own box. */
export function TextBox({ title, text }: { title: string; text: string }) {
  return (
    <section class="text" aria-label={title}>
      <h2>
        {title} <Copy text={text} what={title.toLowerCase()} />
      </h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </section>
  );
}
