/** Writes a test clip: `node clip-writer FILE OPTIONS` with the options of `makeClip` as JSON. */

import {
  AV_CODEC_FLAG_INTERLACED_DCT,
  AV_CODEC_FLAG_INTERLACED_ME,
  AV_CODEC_FLAG_QSCALE,
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_RAWVIDEO,
  AV_DISPOSITION_ATTACHED_PIC,
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
  AV_LOG_ERROR,
  AV_PIX_FMT_PAL8,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_SAMPLE_FMT_FLTP,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  type AVColorPrimaries,
  type AVColorRange,
  type AVColorSpace,
  type AVColorTransferCharacteristic,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import {
  avChannelLayoutDefault,
  avGetPixFmtFromName,
  Codec,
  CodecContext,
  FilterGraph,
  Frame,
  Log,
  Rational,
} from 'node-av/lib';
import { ContainerWriter, check, type EncodedStream } from '../tools/sample-video/container-writer';
import { clockText, paintText, textWidth, type YuvPicture } from '../tools/sample-video/paint-time';
import type { ClipOptions } from './clip';
import { codedField, fieldCodedHeader } from './field-coded';
import { BLOCKS, encodeTime, frameTicks, ROW_HEIGHT } from './time-code';

const AUDIO_RATE = 48_000;
const AUDIO_FRAME = 1024;

const ENCODERS: Record<
  NonNullable<ClipOptions['codec']>,
  { name: string; options: Record<string, string> }
> = {
  h264: { name: 'libx264', options: { preset: 'ultrafast', crf: '20', sc_threshold: '0' } },
  hevc: { name: 'libx265', options: { preset: 'ultrafast', 'x265-params': 'log-level=none' } },
  vp9: { name: 'libvpx-vp9', options: { deadline: 'realtime', 'cpu-used': '8', b: '600k' } },
  vp8: { name: 'libvpx', options: { deadline: 'realtime', 'cpu-used': '8', b: '600k' } },
  av1: { name: 'libsvtav1', options: { preset: '12', crf: '35', 'svtav1-params': 'lp=1' } },
  mpeg4: { name: 'mpeg4', options: { b: '2M' } },
  mpeg1: { name: 'mpeg1video', options: { b: '2M' } },
  mpeg2: { name: 'mpeg2video', options: { b: '2M' } },
  mjpeg: { name: 'mjpeg', options: { b: '4M', strict: 'unofficial' } },
};

function write(filePath: string, options: ClipOptions): void {
  const container = options.container ?? 'mp4';
  const writer = new ContainerWriter(filePath, container === 'mkv' ? 'matroska' : container);
  if (options.fieldCoded) {
    writeFields(writer, options);
    return;
  }
  if (options.palette) {
    writePalette(writer, options);
    return;
  }
  const cover = options.coverArt ? addCover(writer) : undefined;
  const video = options.audioOnly ? undefined : addVideo(writer, options);
  const audioSeconds = options.audioSeconds ?? (options.audioOnly ? options.seconds : 0);
  const audio = audioSeconds > 0 ? addAudio(writer) : undefined;
  writer.begin(options.muxerOptions);

  if (cover !== undefined) writeCover(cover);
  const audioFrames = Math.floor((audioSeconds * AUDIO_RATE) / AUDIO_FRAME);
  let audioWritten = 0;
  const writeAudioUntil = (seconds: number) => {
    for (; audioWritten < Math.min(audioFrames, (seconds * AUDIO_RATE) / AUDIO_FRAME); audioWritten++) {
      audio?.encode(silence(audioWritten));
    }
  };
  if (video !== undefined) writeVideo(video, options, writeAudioUntil);
  writeAudioUntil(Number.POSITIVE_INFINITY);
  audio?.encode(null);
  writer.close();
}

function writeFields(writer: ContainerWriter, { seconds }: ClipOptions): void {
  const write = writer.addCoded(new Rational(1, 50), (stream) => {
    const { codecpar } = stream;
    codecpar.codecType = AVMEDIA_TYPE_VIDEO;
    codecpar.codecId = AV_CODEC_ID_H264;
    codecpar.width = 16;
    codecpar.height = 32;
    codecpar.extradata = fieldCodedHeader();
    stream.avgFrameRate = new Rational(25, 1);
  });
  writer.begin();
  for (let field = 0; field < seconds * 50; field++) {
    const { data, isKey } = codedField(field >> 1, field % 2 === 1);
    write({ data, ticks: field, durationTicks: 1, isKey });
  }
  writer.close();
}

function writePalette(writer: ContainerWriter, options: ClipOptions): void {
  const { width = 640, height = 360, frameRate = 25 } = options;
  const write = writer.addCoded(timeBase(frameRate), (stream) => {
    const { codecpar } = stream;
    codecpar.codecType = AVMEDIA_TYPE_VIDEO;
    codecpar.codecId = AV_CODEC_ID_RAWVIDEO;
    codecpar.format = AV_PIX_FMT_PAL8;
    codecpar.bitsPerCodedSample = 8;
    codecpar.width = width;
    codecpar.height = height;
    stream.avgFrameRate = timeBase(frameRate).inv();
  });
  writer.begin();
  const picture: YuvPicture = { width, height, data: Buffer.alloc(planes({ width, height }).size) };
  const greys = Buffer.alloc(1024);
  for (let grey = 0; grey < 256; grey++) greys.writeUInt32LE(0xff000000 + grey * 0x010101, grey * 4);
  for (const tick of frameTicks(options)) {
    paintFrame(picture, options, (tick * 1000) / frameRate, tick);
    const data = Buffer.concat([picture.data.subarray(0, width * height), greys]);
    write({ data, ticks: tick, durationTicks: 1, isKey: true });
  }
  writer.close();
}

function addVideo(writer: ContainerWriter, options: ClipOptions): EncodedStream {
  const { frameRate = 25, codec = 'h264', gopFrames = 50, bFrames = 2 } = options;
  const { name, options: defaults } = ENCODERS[codec];
  const encoder = new CodecContext();
  encoder.allocContext3(Codec.findEncoderByName(name as Parameters<typeof Codec.findEncoderByName>[0]));
  const { width, height } = storedSize(options);
  encoder.width = width;
  encoder.height = height;
  encoder.pixelFormat = avGetPixFmtFromName(options.pixelFormat ?? 'yuv420p');
  encoder.timeBase = timeBase(frameRate);
  encoder.framerate = encoder.timeBase.inv();
  encoder.gopSize = gopFrames;
  if (codec === 'h264' || codec === 'hevc' || codec.startsWith('mpeg')) encoder.maxBFrames = bFrames;
  if (options.pixelAspect !== undefined) encoder.sampleAspectRatio = new Rational(...options.pixelAspect);
  if (options.background !== undefined) {
    encoder.colorSpace = AVCOL_SPC_BT709;
    encoder.colorPrimaries = AVCOL_PRI_BT709;
    encoder.colorTrc = AVCOL_TRC_BT709;
    encoder.colorRange = AVCOL_RANGE_MPEG;
  }
  if (options.tags !== undefined) {
    encoder.colorSpace = options.tags.matrix as AVColorSpace;
    encoder.colorPrimaries = options.tags.primaries as AVColorPrimaries;
    encoder.colorTrc = options.tags.transfer as AVColorTransferCharacteristic;
    encoder.colorRange = options.tags.range as AVColorRange;
  }
  if (options.interlaced) encoder.setFlags(AV_CODEC_FLAG_INTERLACED_DCT, AV_CODEC_FLAG_INTERLACED_ME);
  const encoderOptions: Record<string, string> = { ...defaults, ...options.encoderOptions };
  if (codec === 'h264') encoderOptions['x264-params'] ??= `open-gop=${options.openGop ? 1 : 0}`;
  if (codec === 'hevc') {
    encoderOptions['x265-params'] += `:scenecut=0:open-gop=${options.openGop ? 1 : 0}:bframes=${bFrames}`;
  }
  const added = writer.add(encoder, encoderOptions);
  if (options.rotationDegrees) {
    added.stream.codecpar.addCodedSideData(AV_PKT_DATA_DISPLAYMATRIX, displayMatrix(options.rotationDegrees));
  }
  return added;
}

function writeVideo(video: EncodedStream, options: ClipOptions, keepPace: (seconds: number) => void): void {
  const { frameRate = 25, seconds, pixelFormat = 'yuv420p' } = options;
  const displayed = { width: options.width ?? 640, height: options.height ?? 360 };
  const stored = storedSize(options);
  const convert = pixelFormat === 'yuv420p' ? undefined : converter(stored, pixelFormat);
  const startTicks = Math.round((options.startTimeSeconds ?? 0) * frameRate);
  const ticks = frameTicks(options);
  const picture: YuvPicture = { ...displayed, data: Buffer.alloc(planes(displayed).size) };
  ticks.forEach((tick, count) => {
    paintFrame(picture, options, (tick * 1000) / frameRate, count);
    if (options.movingFields)
      paintSecondField(picture, options, ((tick + 0.5) * 1000) / frameRate, count + 0.5);
    const turned = turn(picture, options.rotationDegrees ?? 0);
    const frame = Frame.fromVideoBuffer(turned.data, {
      ...stored,
      format: AV_PIX_FMT_YUV420P,
      timeBase: timeBase(frameRate),
      pts: BigInt(tick + startTicks),
      ...(options.pixelAspect ? { sampleAspectRatio: new Rational(...options.pixelAspect) } : {}),
    });
    if (options.background !== undefined) {
      frame.colorSpace = AVCOL_SPC_BT709;
      frame.colorRange = AVCOL_RANGE_MPEG;
    }
    if (options.tags !== undefined) {
      frame.colorSpace = options.tags.matrix as AVColorSpace;
      frame.colorRange = options.tags.range as AVColorRange;
    }
    frame.duration = BigInt((ticks[count + 1] ?? tick + 1) - tick);
    const encoded = convert === undefined ? frame : convert(frame);
    if (options.interlaced) encoded.setFlags(AV_FRAME_FLAG_INTERLACED);
    if (options.interlaced && !options.bottomFieldFirst) encoded.setFlags(AV_FRAME_FLAG_TOP_FIELD_FIRST);
    if (options.alpha !== undefined) encoded.data?.[3]?.fill(options.alpha);
    video.encode(encoded);
    if (encoded !== frame) encoded.free();
    frame.free();
    keepPace(tick / frameRate);
  });
  video.encode(null);
  keepPace(seconds);
}

/** The picture as it is stored when a player is to turn it clockwise by so much. */
function turn(picture: YuvPicture, degrees: number): YuvPicture {
  if (degrees === 0) return picture;
  const swaps = degrees !== 180;
  const target: YuvPicture = {
    width: swaps ? picture.height : picture.width,
    height: swaps ? picture.width : picture.height,
    data: Buffer.alloc(picture.data.length),
  };
  const [from, to] = [planes(picture), planes(target)];
  from.list.forEach((plane, number) => {
    const goal = to.list[number];
    if (goal === undefined) return;
    for (let y = 0; y < goal.height; y++) {
      for (let x = 0; x < goal.width; x++) {
        const [sourceX, sourceY] =
          degrees === 90
            ? [plane.width - 1 - y, x]
            : degrees === 270
              ? [y, plane.height - 1 - x]
              : [plane.width - 1 - x, plane.height - 1 - y];
        target.data[goal.at + y * goal.width + x] =
          picture.data[plane.at + sourceY * plane.width + sourceX] ?? 0;
      }
    }
  });
  return target;
}

/** ISO/IEC 14496-12, 8.3.2.3: a b u c d v x y w, whole numbers of 1/65536 but w of 1/2^30. */
function displayMatrix(clockwiseDegrees: 90 | 180 | 270): Buffer {
  const [a, b, c, d] = { 90: [0, 1, -1, 0], 180: [-1, 0, 0, -1], 270: [0, -1, 1, 0] }[
    clockwiseDegrees
  ] as number[];
  const matrix = Buffer.alloc(36);
  [a, b, 0, c, d, 0, 0, 0].forEach((value, place) => {
    matrix.writeInt32LE((value ?? 0) * 0x10000, place * 4);
  });
  matrix.writeInt32LE(1 << 30, 32);
  return matrix;
}

function storedSize({ width = 640, height = 360, rotationDegrees = 0 }: ClipOptions): {
  width: number;
  height: number;
} {
  return rotationDegrees % 180 === 0 ? { width, height } : { width: height, height: width };
}

/** Where the three planes of a 4:2:0 picture lie. */
function planes({ width, height }: { width: number; height: number }) {
  const half = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  const luma = width * height;
  const chroma = half.width * half.height;
  const list = [
    { at: 0, width, height },
    { at: luma, ...half },
    { at: luma + chroma, ...half },
  ];
  return { list, size: luma + 2 * chroma };
}

function paintFrame(picture: YuvPicture, options: ClipOptions, timeMs: number, count: number): void {
  const { width, height, data } = picture;
  const [luma, blue, red] = planes(picture).list;
  if (luma === undefined || blue === undefined || red === undefined) return;
  if (options.background !== undefined || options.samples !== undefined) {
    const [y, cb, cr] = options.samples ?? bt709(options.background ?? [0, 0, 0]);
    data.fill(y, 0, blue.at);
    data.fill(cb, blue.at, red.at);
    data.fill(cr, red.at);
  } else {
    if (options.detailed) paintTexture(picture, count);
    else paintGradient(picture);
    const hue = timeMs / 1500;
    data.fill(128 + Math.round(60 * Math.cos(hue)), blue.at, red.at);
    data.fill(128 + Math.round(60 * Math.sin(hue)), red.at);
  }

  const text = clockText(timeMs);
  const widthPerHeight = textWidth(text, 100) / 100;
  const textHeight = Math.floor(Math.min(height * 0.3, (width * 0.9) / widthPerHeight));
  paintText(picture, text, (width - textHeight * widthPerHeight) / 2, (height - textHeight) / 2, textHeight);

  const rowTop = Math.floor(height * (1 - ROW_HEIGHT));
  encodeTime(Math.round(timeMs)).forEach((isWhite, block) => {
    const left = Math.round((block * width) / BLOCKS);
    const right = Math.round(((block + 1) * width) / BLOCKS);
    for (let y = rowTop; y < height; y++) data.fill(isWhite ? 235 : 16, y * width + left, y * width + right);
  });
  data.fill(128, blue.at + Math.floor(rowTop / 2) * blue.width, red.at);
  data.fill(128, red.at + Math.floor(rowTop / 2) * red.width);
}

/** Every second line, of luma and of both chroma planes, shows another moment. */
function paintSecondField(picture: YuvPicture, options: ClipOptions, timeMs: number, count: number): void {
  const later: YuvPicture = { ...picture, data: Buffer.alloc(picture.data.length) };
  paintFrame(later, options, timeMs, count);
  for (const { at, width, height } of planes(picture).list) {
    for (let line = options.bottomFieldFirst ? 0 : 1; line < height; line += 2) {
      const start = at + line * width;
      later.data.copy(picture.data, start, start, start + width);
    }
  }
}

let gradient: Buffer | undefined;
function paintGradient({ width, height, data }: YuvPicture): void {
  if (gradient === undefined) {
    gradient = Buffer.alloc(width * height);
    for (let y = 0; y < height; y++)
      gradient.fill(60 + Math.round((100 * y) / height), y * width, (y + 1) * width);
  }
  gradient.copy(data);
}

let texture: Buffer | undefined;
function paintTexture({ width, height, data }: YuvPicture, count: number): void {
  const margin = 256;
  const stride = width + margin;
  if (texture === undefined) {
    texture = Buffer.alloc(stride * (height + margin));
    let seed = 1;
    for (let at = 0; at < texture.length; at++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      const above = texture[at - stride] ?? 128;
      const left = texture[at - 1] ?? 128;
      const value = 128 + ((above + left - 256) * 0.49 + ((seed >> 16) % 41) - 20);
      texture[at] = Math.max(16, Math.min(235, value));
    }
  }
  const offsetX = Math.round((margin / 2) * (1 + Math.sin(count / 40)));
  const offsetY = Math.round((margin / 2) * (1 + Math.cos(count / 57)));
  for (let y = 0; y < height; y++) {
    const from = (y + offsetY) * stride + offsetX;
    texture.copy(data, y * width, from, from + width);
  }
}

/** ITU-R BT.709, limited range. */
function bt709([red, green, blue]: [number, number, number]): [number, number, number] {
  const luma = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  return [
    Math.round(16 + 219 * luma),
    Math.round(128 + (224 * (blue / 255 - luma)) / 1.8556),
    Math.round(128 + (224 * (red / 255 - luma)) / 1.5748),
  ];
}

function converter(size: { width: number; height: number }, pixelFormat: string): (frame: Frame) => Frame {
  const graph = new FilterGraph();
  graph.alloc();
  const source = `buffer@in=video_size=${size.width}x${size.height}:pix_fmt=yuv420p:time_base=1/1000`;
  check(graph.parsePtr(`${source},scale,format=${pixelFormat},buffersink@out`), 'set up the converter');
  check(graph.configSync(), 'set up the converter');
  return (frame) => {
    const converted = new Frame();
    converted.alloc();
    check(graph.getFilter('buffer@in')?.buffersrcAddFrameSync(frame.clone()) ?? -1, 'convert');
    check(graph.getFilter('buffersink@out')?.buffersinkGetFrameSync(converted) ?? -1, 'convert');
    return converted;
  };
}

function addAudio(writer: ContainerWriter): EncodedStream {
  const encoder = new CodecContext();
  encoder.allocContext3(Codec.findEncoder(AV_CODEC_ID_AAC));
  encoder.sampleFormat = AV_SAMPLE_FMT_FLTP;
  encoder.sampleRate = AUDIO_RATE;
  encoder.channelLayout = avChannelLayoutDefault(1);
  encoder.timeBase = new Rational(1, AUDIO_RATE);
  encoder.bitRate = 32_000n;
  return writer.add(encoder);
}

function silence(count: number): Frame {
  return Frame.fromAudioBuffer(Buffer.alloc(AUDIO_FRAME * 4), {
    nbSamples: AUDIO_FRAME,
    format: AV_SAMPLE_FMT_FLTP,
    sampleRate: AUDIO_RATE,
    channelLayout: avChannelLayoutDefault(1),
    timeBase: new Rational(1, AUDIO_RATE),
    pts: BigInt(count * AUDIO_FRAME),
  });
}

const COVER = { width: 64, height: 64 };

function addCover(writer: ContainerWriter): EncodedStream {
  const encoder = new CodecContext();
  encoder.allocContext3(Codec.findEncoder(AV_CODEC_ID_MJPEG));
  encoder.width = COVER.width;
  encoder.height = COVER.height;
  encoder.pixelFormat = AV_PIX_FMT_YUVJ420P;
  encoder.timeBase = new Rational(1, 25);
  encoder.setFlags(AV_CODEC_FLAG_QSCALE);
  const added = writer.add(encoder);
  added.stream.setDisposition(AV_DISPOSITION_ATTACHED_PIC);
  return added;
}

function writeCover(cover: EncodedStream): void {
  const format = AV_PIX_FMT_YUVJ420P;
  const data = Buffer.alloc(planes(COVER).size, 128);
  cover.encode(Frame.fromVideoBuffer(data, { ...COVER, format, pts: 0n, timeBase: new Rational(1, 25) }));
  cover.encode(null);
}

function timeBase(frameRate: number): Rational {
  return Number.isInteger(frameRate)
    ? new Rational(1, frameRate)
    : new Rational(1001, Math.round(frameRate * 1001));
}

const [filePath = '', options = ''] = process.argv.slice(2);
Log.setLevel(AV_LOG_ERROR);
write(filePath, JSON.parse(options) as ClipOptions);
