/** A committed change of an object, as listeners and notifications receive it. */
export interface ObjectEvent {
  eventName:
    | 'ObjectCreated:Put'
    | 'ObjectCreated:Post'
    | 'ObjectCreated:Copy'
    | 'ObjectCreated:CompleteMultipartUpload'
    | 'ObjectRemoved:Delete'
    | 'ObjectRemoved:DeleteMarkerCreated';
  bucket: string;
  key: string;
  /** Only for created objects, like `etag`. */
  sizeBytes?: number;
  etag?: string;
  /** Absent for the version `null`, the only one of a bucket without versioning. */
  versionId?: string;
  /** 32 hexadecimal digits that grow with every write. */
  sequencer: string;
  timeMs: number;
  requestId: string;
  sourceIp: string;
}
