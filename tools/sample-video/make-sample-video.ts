/**
 * Makes `sample.mp4`, the video that `npm start` uploads by default: a dive into the Mandelbrot set whose frames show
 * the time.
 *
 *     npx tsx tools/sample-video/make-sample-video.ts
 */

import { statSync } from 'node:fs';
import path from 'node:path';
import { AV_LOG_ERROR, AV_PIX_FMT_YUV420P } from 'node-av/constants';
import { Codec, CodecContext, FilterGraph, Frame, Log, Rational } from 'node-av/lib';
import { ContainerWriter, check } from './container-writer';
import { clockText, paintText, textWidth } from './paint-time';

const WIDTH = 640;
const HEIGHT = 360;
const FRAMES_PER_SECOND = 15;
const SECONDS = 20;
const TEXT_HEIGHT = 64;

/** Zoom and colours. The blur keeps the file small: the finest filaments cost most and show least. */
const BACKGROUND = [
  `mandelbrot=size=${WIDTH}x${HEIGHT}:rate=${FRAMES_PER_SECOND}:start_scale=2.2:end_scale=0.004:end_pts=${SECONDS * FRAMES_PER_SECOND}:maxiter=700`,
  'hue=H=t*0.3:s=1.4',
  'gblur=sigma=0.8',
  'format=yuv420p',
  'buffersink@out',
].join(',');

function makeSampleVideo(filePath: string): void {
  const graph = new FilterGraph();
  graph.alloc();
  check(graph.parsePtr(BACKGROUND), 'set up the background');
  check(graph.configSync(), 'set up the background');
  const background = graph.getFilter('buffersink@out');

  const encoder = new CodecContext();
  encoder.allocContext3(Codec.findEncoderByName('libx264' as Parameters<typeof Codec.findEncoderByName>[0]));
  encoder.width = WIDTH;
  encoder.height = HEIGHT;
  encoder.pixelFormat = AV_PIX_FMT_YUV420P;
  encoder.timeBase = new Rational(1, FRAMES_PER_SECOND);
  encoder.framerate = new Rational(FRAMES_PER_SECOND, 1);
  encoder.gopSize = 4 * FRAMES_PER_SECOND;
  const writer = new ContainerWriter(filePath, 'mp4');
  const video = writer.add(encoder, { preset: 'veryslow', crf: '34', tune: 'animation' });
  writer.begin({ movflags: 'faststart' });

  const frame = new Frame();
  frame.alloc();
  for (let count = 0; count < SECONDS * FRAMES_PER_SECOND; count++) {
    check(background?.buffersinkGetFrameSync(frame) ?? -1, 'draw the background');
    const picture = { width: WIDTH, height: HEIGHT, data: frame.toBuffer() };
    const text = clockText((count * 1000) / FRAMES_PER_SECOND);
    paintText(
      picture,
      text,
      (WIDTH - textWidth(text, TEXT_HEIGHT)) / 2,
      HEIGHT - TEXT_HEIGHT - 16,
      TEXT_HEIGHT,
    );
    const painted = Frame.fromVideoBuffer(picture.data, {
      width: WIDTH,
      height: HEIGHT,
      format: AV_PIX_FMT_YUV420P,
      timeBase: encoder.timeBase,
      pts: BigInt(count),
    });
    painted.duration = 1n;
    video.encode(painted);
    painted.free();
    frame.unref();
  }
  video.encode(null);
  writer.close();
}

const filePath = path.join(__dirname, 'sample.mp4');
Log.setLevel(AV_LOG_ERROR);
makeSampleVideo(filePath);
console.log(`${filePath}: ${Math.round(statSync(filePath).size / 1000)} KB`);
