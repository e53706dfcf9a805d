import type { ObjectStore as ObsStore } from '../obs/object-store';
import type { CapturePool } from './capture/capture-pool';

/** What MPC needs from object storage. */
export type ObjectStore = Pick<ObsStore, 'buckets' | 'hasBucket' | 'head' | 'put' | 'delete'>;

/** What MPC needs from the capture engine. */
export type Capture = Pick<CapturePool, 'open'>;
