import type { EmbedAddresses } from '../server/console-api';

export type PlayerName = 'plyr' | 'vidstack' | 'videojs' | 'video';

export const PLAYERS: readonly { value: PlayerName; label: string }[] = [
  { value: 'plyr', label: 'Plyr' },
  { value: 'vidstack', label: 'vidstack' },
  { value: 'videojs', label: 'video.js' },
  { value: 'video', label: '<video>' },
];

/** Where the players' own documents load them from, in versions whose documents these lines follow. */
const CDN = 'https://cdn.jsdelivr.net/npm';

/** What a site puts into its page, for one player. */
export function embedSnippet(player: PlayerName, addresses: EmbedAddresses): string {
  return SNIPPETS[player](addresses)
    .filter((line) => line !== undefined)
    .join('\n');
}

type Line = string | undefined;

const SNIPPETS: Record<PlayerName, (addresses: EmbedAddresses) => Line[]> = {
  // https://github.com/sampotts/plyr#preview-thumbnails
  plyr: ({ video, poster, track }) => [
    `<link rel="stylesheet" href="${CDN}/plyr@3.8.4/dist/plyr.css">`,
    '<video id="player" controls playsinline',
    attribute('poster', poster),
    `  src="${html(video)}"></video>`,
    `<script src="${CDN}/plyr@3.8.4/dist/plyr.min.js"></script>`,
    '<script>',
    "  new Plyr('#player', {",
    track && `    previewThumbnails: { enabled: true, src: ${script(track)} },`,
    '  });',
    '</script>',
  ],
  // https://vidstack.io/docs/player/components/display/thumbnail, /media/poster and /layouts/default-layout
  // Its thumbnails stay black for single pictures, so sprites come first.
  vidstack: ({ video, poster, track, spriteTrack }) => [
    '<link rel="stylesheet" href="https://cdn.vidstack.io/player/theme.css">',
    '<link rel="stylesheet" href="https://cdn.vidstack.io/player/video.css">',
    '<script src="https://cdn.vidstack.io/player" type="module"></script>',
    '<media-player playsinline',
    `  src="${html(video)}">`,
    '  <media-provider>',
    poster && `    <media-poster class="vds-poster" src="${html(poster)}" alt=""></media-poster>`,
    '  </media-provider>',
    '  <media-video-layout',
    attribute('thumbnails', spriteTrack ?? track),
    '  ></media-video-layout>',
    '</media-player>',
  ],
  // https://www.npmjs.com/package/videojs-vtt-thumbnails, which is for video.js 5 to 7 and takes sprites only
  videojs: ({ video, poster, spriteTrack }) => [
    `<link rel="stylesheet" href="${CDN}/video.js@7.21.7/dist/video-js.min.css">`,
    spriteTrack &&
      `<link rel="stylesheet" href="${CDN}/videojs-vtt-thumbnails@0.0.13/dist/videojs-vtt-thumbnails.css">`,
    '<video id="player" class="video-js" controls playsinline preload="metadata"',
    attribute('poster', poster),
    `  src="${html(video)}"></video>`,
    `<script src="${CDN}/video.js@7.21.7/dist/video.min.js"></script>`,
    spriteTrack &&
      `<script src="${CDN}/videojs-vtt-thumbnails@0.0.13/dist/videojs-vtt-thumbnails.min.js"></script>`,
    '<script>',
    "  const player = videojs('player');",
    spriteTrack
      ? `  player.vttThumbnails({ src: ${script(spriteTrack)} });`
      : '  // Previews need sprites: set PUBLISH to vtt,storyboard,poster,index,sprite, and PUBLIC_URL.',
    '</script>',
  ],
  // The HTML standard has no previews: scripts find the track by its kind and label.
  video: ({ video, poster, track }) => [
    track === undefined
      ? '<video controls playsinline'
      : '<video controls playsinline crossorigin="anonymous"',
    attribute('poster', poster),
    `  src="${html(video)}">`,
    track && `  <track default kind="metadata" label="thumbnails" src="${html(track)}">`,
    '</video>',
  ],
};

function attribute(name: string, value: string | undefined): Line {
  return value === undefined ? undefined : `  ${name}="${html(value)}"`;
}

/** A key may hold anything, and is part of addresses. */
function html(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A text inside a script, which it must not end. */
function script(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c');
}
