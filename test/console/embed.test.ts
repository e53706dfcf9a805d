import { embedSnippet, PLAYERS } from '../../console/page/embed';

const ADDRESSES = {
  video: 'https://videos.example.com/a%20b.mp4?x=1&y="><script>alert(1)</script>',
  poster: 'https://cdn.example.com/poster.jpg',
  track: 'https://cdn.example.com/storyboard.vtt?a=1&b=</script>',
  spriteTrack: 'https://cdn.example.com/sprite.vtt',
  note: '',
};

describe.each(PLAYERS)('the snippet for $label', ({ value: player }) => {
  test('lets nothing in an address become markup', () => {
    const snippet = embedSnippet(player, ADDRESSES);
    expect(snippet).not.toContain('<script>alert');
    expect(snippet).not.toMatch(/b=<\/script>/);
    expect(snippet.match(/<script/g) ?? []).toHaveLength(snippet.match(/<\/script>/g)?.length ?? 0);
    expect(snippet).toContain('x=1&#38;y=&#34;&#62;&#60;script&#62;');
  });

  test('is valid if only the video is known', () => {
    const snippet = embedSnippet(player, { video: 'https://videos.example.com/a.mp4', note: '' });
    expect(snippet).toContain('https://videos.example.com/a.mp4');
    expect(snippet).not.toContain('undefined');
  });
});

test('each player gets previews in the form that its own documents show', () => {
  const track = 'https://cdn.example.com/t.vtt';
  const snippet = (player: (typeof PLAYERS)[number]['value']) =>
    embedSnippet(player, { ...ADDRESSES, track, spriteTrack: track });
  expect(snippet('plyr')).toContain(`previewThumbnails: { enabled: true, src: "${track}" }`);
  expect(snippet('vidstack')).toMatch(
    /<media-video-layout\n {2}thumbnails="https:\/\/cdn\.example\.com\/t\.vtt"/,
  );
  expect(snippet('videojs')).toContain(`player.vttThumbnails({ src: "${track}" });`);
  expect(snippet('video')).toContain(`<track default kind="metadata" label="thumbnails" src="${track}">`);
});
