import { useEffect, useState } from 'preact/hooks';
import type { ConsoleState } from '../server/console-api';
import { fetchExplanation } from './api';
import { Copy } from './copy';
import { ExplanationPanel } from './explanation';
import { useFetched } from './fetched';
import { Empty, Key, ViewHead } from './parts';
import { goTo, linkTo } from './route';

const SUGGESTIONS = 200;

/** Explains why an object was captured, or why not. */
export function ExplainView({ state, selected }: { state: ConsoleState; selected: string | undefined }) {
  const [text, setText] = useState(selected ?? '');
  useEffect(() => {
    if (selected !== undefined) setText(selected);
  }, [selected]);
  return (
    <>
      <ViewHead title="Explain" />
      <p class="lead">Enter an object’s key to see why it was captured, or why not.</p>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') goTo(linkTo('explain', text.trim()));
        }}
      >
        <input
          class="field"
          type="text"
          dir="auto"
          aria-label={`Key in the bucket ${state.service.uploadBucket}`}
          placeholder={`${state.service.uploadPrefix}holiday.mp4`}
          list="known-keys"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <datalist id="known-keys">
          {state.uploads.slice(0, SUGGESTIONS).map(({ key }) => (
            <option key={key} value={key} />
          ))}
        </datalist>
        <button type="submit" class="button main-action">
          Explain
        </button>
      </form>
      {selected === undefined ? (
        <Empty title="No key yet">
          The answer has a reason code; docs/uploads-and-captures.md explains each one.
        </Empty>
      ) : (
        <Answer key={selected} objectKey={selected} state={state} />
      )}
    </>
  );
}

function Answer({ objectKey, state }: { objectKey: string; state: ConsoleState }) {
  const upload = state.uploads.find(({ key }) => key === objectKey);
  const task = state.tasks.find(({ key }) => key === objectKey);
  const version = `${upload?.lastModifiedMs} ${upload?.report?.requestId} ${task?.id} ${task?.status} ${task?.frameCount}`;
  const explanation = useFetched(objectKey, version, () => fetchExplanation(objectKey));
  return (
    <section class="panel" aria-live="polite">
      <h2>
        <span class="value">
          <Key isWhole>{objectKey}</Key>
          <Copy text={objectKey} what="key" />
        </span>
      </h2>
      <ExplanationPanel {...explanation} />
    </section>
  );
}
