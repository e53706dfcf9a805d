/** The part of the player that is used. Its own types name two exports that exclude each other, which the compiler refuses. */
declare module 'plyr' {
  export interface Options {
    controls: string[];
    settings: string[];
    ratio: string;
    iconUrl: string;
    blankVideo: string;
    storage: { enabled: boolean };
    keyboard: { focused: boolean; global: boolean };
    tooltips: { controls: boolean; seek: boolean };
    previewThumbnails: { enabled: boolean; src: string };
  }
  export default class Plyr {
    constructor(element: HTMLVideoElement, options: Options);
    destroy(): void;
  }
}
