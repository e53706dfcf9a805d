import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleState, Panel } from '../server/console-api';
import { type Connection, useConnection } from './connection';
import { EventsView } from './events-view';
import { ExplainView } from './explain-view';
import { FaultsView } from './faults-view';
import { InvocationsView } from './invocations-view';
import { ExactTimes } from './moment';
import { Empty, Icon, ViewHead } from './parts';
import { QuotaView } from './quota-view';
import { RequestsView } from './requests-view';
import { linkTo, useRoute, useScrollMemory } from './route';
import { SettingsView } from './settings-view';
import { TimersView } from './timers-view';
import { Toasts } from './toasts';
import { useTransfers } from './transfers';
import { type Video, videosOf } from './videos';
import { VideosView } from './videos-view';

interface ViewEntry {
  name: string;
  title: string;
  panel: Panel;
  count?: (state: ConsoleState) => number;
}

const VIEWS: readonly ViewEntry[] = [
  { name: 'videos', title: 'Videos', panel: 'uploads', count: ({ uploads }) => uploads.length },
  { name: 'events', title: 'Events', panel: 'events', count: ({ events }) => events.length },
  {
    name: 'invocations',
    title: 'Invocations',
    panel: 'invocations',
    count: (state) => state.invocations.length,
  },
  { name: 'requests', title: 'Requests', panel: 'requests', count: ({ requests }) => requests.length },
  { name: 'quota', title: 'Quota', panel: 'quota' },
  { name: 'timers', title: 'Timers', panel: 'timers' },
  { name: 'faults', title: 'Faults', panel: 'faults', count: activeFaults },
  { name: 'settings', title: 'Settings', panel: 'settings' },
  { name: 'explain', title: 'Explain', panel: 'explain' },
];

function activeFaults({ faults }: ConsoleState): number {
  return faults.faults.filter(({ share }) => share > 0).length;
}

/** On a wide screen the list of videos stays beside the selected one; rows open in their table. */
function isList(view: string, selected: string | undefined): boolean {
  return selected === undefined || view !== 'videos' || matchMedia('(min-width: 1200px)').matches;
}

/** The whole page. */
export function App() {
  const connection = useConnection();
  const { view, selected } = useRoute();
  const transfers = useTransfers();
  const { state, status } = connection;
  useScrollMemory(isList(view, selected) ? view : `${view} ${selected}`);
  const entry = VIEWS.find(({ name }) => name === view) ?? VIEWS[0];
  const [isExact, setExact] = useExactTimes();
  const videos = useRef<ReadonlyMap<string, Video>>(new Map());
  if (state !== undefined) videos.current = videosOf(state, videos.current);

  const content = (loaded: ConsoleState): ComponentChildren => {
    const reason = entry && loaded.service.unavailable[entry.panel];
    if (entry !== undefined && reason !== undefined)
      return <Unavailable title={entry.title} reason={reason} />;
    switch (entry?.name) {
      case 'events':
        return <EventsView state={loaded} selected={selected} />;
      case 'invocations':
        return <InvocationsView state={loaded} selected={selected} />;
      case 'requests':
        return <RequestsView requests={loaded.requests} selected={selected} />;
      case 'quota':
        return <QuotaView state={loaded} />;
      case 'timers':
        return <TimersView state={loaded} />;
      case 'faults':
        return <FaultsView dial={loaded.faults} canWrite={loaded.service.canWrite} />;
      case 'settings':
        return <SettingsView state={loaded} />;
      case 'explain':
        return <ExplainView state={loaded} selected={selected} />;
      default:
        return (
          <VideosView state={loaded} videos={videos.current} transfers={transfers} selected={selected} />
        );
    }
  };

  return (
    <Toasts>
      <Top connection={connection} isExact={isExact} onExact={setExact} />
      <div class="frame">
        <Navigation state={state} current={entry?.name} />
        <main class="main" id="main" tabIndex={-1}>
          <ExactTimes.Provider value={isExact}>
            {state === undefined ? <Skeleton /> : content(state)}
          </ExactTimes.Provider>
        </main>
      </div>
      {status === 'lost' && <LostConnection command={state?.service.commands.again} />}
    </Toasts>
  );
}

const EXACT_TIMES = 'exact-times';

/** The last choice in this browser. */
function useExactTimes(): [boolean, (isExact: boolean) => void] {
  const [isExact, setExact] = useState(localStorage.getItem(EXACT_TIMES) === 'yes');
  useEffect(() => localStorage.setItem(EXACT_TIMES, isExact ? 'yes' : 'no'), [isExact]);
  return [isExact, setExact];
}

function Top(props: { connection: Connection; isExact: boolean; onExact: (isExact: boolean) => void }) {
  const { isExact, onExact } = props;
  const { status, state } = props.connection;
  const service = state?.service;
  return (
    <header class="top">
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <a class="brand" href={linkTo('videos')}>
        <b>mpc-snapshots</b>
      </a>
      {service && (
        <p class="service">
          {service.name} <span class="quiet">{service.region}</span>
          {!service.canWrite && <span class="badge idle">read-only</span>}
        </p>
      )}
      <button
        type="button"
        class="button quiet clock"
        aria-pressed={isExact}
        aria-label="Exact times"
        title="Show exact times"
        onClick={() => onExact(!isExact)}
      >
        <Icon name="clock" />
      </button>
      <p class={`connection ${status}`} role="status">
        {{ connecting: 'Connecting…', live: 'Live', lost: 'Not connected' }[status]}
      </p>
    </header>
  );
}

function Navigation({ state, current }: { state: ConsoleState | undefined; current: string | undefined }) {
  const navigation = useRef<HTMLElement>(null);
  // On a narrow screen the views form a line that is longer than the screen.
  useEffect(() => {
    const line = navigation.current;
    const link = line?.querySelector<HTMLElement>('[aria-current]');
    if (!line || !link) return;
    line.scrollLeft = link.offsetLeft - (line.clientWidth - link.offsetWidth) / 2;
  }, [current]);
  return (
    <nav class="nav" aria-label="Views" ref={navigation}>
      {VIEWS.map(({ name, title, count }) => (
        <a key={name} href={linkTo(name)} aria-current={name === current ? 'page' : undefined}>
          {title}
          {count !== undefined && state !== undefined && (
            <span class="count num" aria-hidden="true">
              {count(state) || ''}
            </span>
          )}
        </a>
      ))}
      <a href="api">API</a>
    </nav>
  );
}

function LostConnection({ command }: { command: string | undefined }) {
  return (
    <div class="lost-banner" role="alert">
      <Icon name="repeat" />
      <p>
        <b>The console’s server does not answer.</b> This page shows the last known state and reconnects by
        itself.
        {command !== undefined && (
          <>
            {' '}
            To start the server again: <code>{command}</code>
          </>
        )}
      </p>
    </div>
  );
}

function Unavailable({ title, reason }: { title: string; reason: string }) {
  return (
    <>
      <ViewHead title={title} />
      <Empty title="Not available">{reason}</Empty>
    </>
  );
}

function Skeleton() {
  return (
    <div class="skeletons" aria-hidden="true">
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} class="skeleton row-skeleton" />
      ))}
    </div>
  );
}
