import { useEffect, useState } from 'preact/hooks';
import type { FaultDial } from '../server/console-api';
import { setFaults } from './api';
import { Moment } from './moment';
import { Action, Key, ViewHead } from './parts';
import { useReporter } from './toasts';

type Shares = Readonly<Record<string, number>>;

const sharesOf = (dial: FaultDial): Shares =>
  Object.fromEntries(dial.faults.map(({ name, share }) => [name, share]));

/** Injects faults between the services. */
export function FaultsView({ dial, canWrite }: { dial: FaultDial; canWrite: boolean }) {
  const reporter = useReporter();
  const [shares, setShares] = useState(sharesOf(dial));
  const [seed, setSeed] = useState(String(dial.seed));
  const inForce = JSON.stringify([sharesOf(dial), dial.seed]);
  // Another page may change them.
  useEffect(() => {
    setShares(sharesOf(dial));
    setSeed(String(dial.seed));
  }, [inForce]);
  const isChanged = JSON.stringify([shares, Number(seed)]) !== inForce;
  const apply = (wanted: Shares): Promise<void> =>
    reporter.attempt(async () => {
      const answer = await setFaults({ shares: wanted, seed: Number(seed) });
      const count = answer.faults.filter(({ share }) => share > 0).length;
      return count === 0 ? 'All faults are off.' : `Faults are set, with seed ${answer.seed}.`;
    });
  return (
    <>
      <ViewHead title="Faults" />
      <p class="lead">
        How often each fault is injected between the services. The same seed repeats the same decisions, so
        that you can reproduce a failure.
      </p>
      <div class="faults">
        <section aria-label="Dial">
          {canWrite && (
            <div class="actions">
              <label class="seed">
                Seed
                <input
                  class="field num"
                  type="number"
                  min={0}
                  max={4294967295}
                  step={1}
                  value={seed}
                  onInput={({ currentTarget }) => setSeed(currentTarget.value)}
                />
              </label>
              <Action class="main-action" disabled={!isChanged} onAct={() => apply(shares)}>
                Set
              </Action>
              <Action onAct={() => apply({})}>Switch all off</Action>
            </div>
          )}
          <ul class="dial">
            {dial.faults.map(({ name, effect }) => (
              <li key={name}>
                <label for={`fault-${name}`}>
                  <span class="mono">{name}</span>
                  <span class="quiet">{effect}</span>
                </label>
                <input
                  id={`fault-${name}`}
                  type="range"
                  min={0}
                  max={100}
                  step={1}
                  disabled={!canWrite}
                  value={Math.round((shares[name] ?? 0) * 100)}
                  aria-valuetext={`${Math.round((shares[name] ?? 0) * 100)} %`}
                  onInput={({ currentTarget }) =>
                    setShares({ ...shares, [name]: Number(currentTarget.value) / 100 })
                  }
                />
                <output class="num" for={`fault-${name}`}>
                  {Math.round((shares[name] ?? 0) * 100)} %
                </output>
              </li>
            ))}
          </ul>
        </section>
        <section class="panel" aria-label="Injected faults">
          <h2>Injected faults</h2>
          {dial.hits.length === 0 ? (
            <p class="quiet">None so far.</p>
          ) : (
            <ul class="hits">
              {dial.hits.map(({ name, what, timeMs }, index) => (
                <li key={index}>
                  <span class="badge bad">{name}</span>
                  <Key>{what}</Key>
                  <Moment timeMs={timeMs} />
                </li>
              ))}
            </ul>
          )}
        </section>
      </div>
    </>
  );
}
