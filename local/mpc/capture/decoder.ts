import {
  AV_CODEC_ID_H264,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_FRAME_FLAG_CORRUPT,
  AV_OPT_TYPE_INT64,
  AV_PICTURE_TYPE_I,
  AV_PIX_FMT_PAL8,
  AV_PROFILE_H264_HIGH_444_PREDICTIVE,
  FF_DECODER_LIBVPX_VP8,
  FF_DECODER_LIBVPX_VP9,
} from 'node-av/constants';
import { Codec, CodecContext, type Frame, type Stream } from 'node-av/lib';
import { CaptureError } from './capture-error';
import { MAX_PICTURE_PIXELS } from './limits';

/** What a decoder must know of a video. */
interface CodedVideo {
  readonly stream: Stream;
  readonly codecName: string;
  /** The transparency is stored beside the pictures. */
  readonly hasAlphaBeside: boolean;
}

/**
 * True if a decoder needs the video's first packet wherever it starts. Old builds of x264 may have written the video
 * with a bug that a decoder corrects once it knows the build's name, which is only in the very first picture. And the
 * palette of an AVI or MOV is in the first packet.
 */
export function needsFirstPacket({ stream: { codecpar } }: CodedVideo): boolean {
  if (codecpar.format === AV_PIX_FMT_PAL8) return true;
  return codecpar.codecId === AV_CODEC_ID_H264 && codecpar.profile === AV_PROFILE_H264_HIGH_444_PREDICTIVE;
}

/** True for a picture that needs no other one. */
export function isIntra({ pictType, keyFrame }: Frame): boolean {
  return pictType === AV_PICTURE_TYPE_I || keyFrame === 1;
}

/** True if the decoder reports that a part of the picture is missing or guessed. */
export function isDamaged(picture: Frame): boolean {
  return picture.decodeErrorFlags !== 0 || picture.hasFlags(AV_FRAME_FLAG_CORRUPT);
}

/** A decoder with one thread. Throws CaptureError `unreadable`, which names the codec. */
export function openDecoder(video: CodedVideo): CodecContext {
  const { stream, codecName } = video;
  const codec = decoderOf(video);
  if (codec === null) {
    throw new CaptureError('unreadable', `the video's codec ${codecName} is not supported`);
  }
  const { width, height } = stream.codecpar;
  if (width * height > MAX_PICTURE_PIXELS) {
    throw new CaptureError(
      'too_large',
      `pictures of ${width} × ${height} are too large: 8192 × 4320 is possible`,
    );
  }
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.pktTimebase = stream.timeBase;
  decoder.threadCount = 1;
  decoder.setOption('max_pixels', BigInt(MAX_PICTURE_PIXELS), AV_OPT_TYPE_INT64);
  if (decoder.open2Sync(codec) < 0) {
    decoder.freeContext();
    throw new CaptureError(
      'unreadable',
      `the file does not tell its ${codecName} decoder what it needs: its header is missing or damaged`,
    );
  }
  return decoder;
}

/** Only the libraries of the format's makers decode the transparency that WebM stores beside the pictures. */
function decoderOf({ stream, hasAlphaBeside }: CodedVideo): Codec | null {
  const { codecId } = stream.codecpar;
  if (hasAlphaBeside && codecId === AV_CODEC_ID_VP8) return Codec.findDecoderByName(FF_DECODER_LIBVPX_VP8);
  if (hasAlphaBeside && codecId === AV_CODEC_ID_VP9) return Codec.findDecoderByName(FF_DECODER_LIBVPX_VP9);
  return Codec.findDecoder(codecId);
}
