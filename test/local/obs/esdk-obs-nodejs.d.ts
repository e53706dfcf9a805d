/** What the tests use of the vendor's client; it ships no declarations. */
declare module 'esdk-obs-nodejs' {
  import type { Agent } from 'node:http';
  import type { Readable } from 'node:stream';

  interface CommonMsg {
    Status: number;
    Code: string;
    Message: string;
    RequestId: string;
  }

  type Names = { Key: string; Size: string; ETag: string; LastModified: string };

  interface InterfaceResult {
    RequestId: string;
    ETag: string;
    ContentType: string;
    ContentLength: string;
    ContentRange: string;
    CacheControl: string;
    ContentDisposition: string;
    LastModified: string;
    Location: string;
    Metadata: Record<string, string>;
    Content: Readable;
    Buckets: { BucketName: string; Location: string; CreationDate: string }[];
    Bucket: string;
    Key: string;
    UploadId: string;
    Contents: Names[];
    CommonPrefixes: { Prefix: string }[];
    IsTruncated: string;
    NextMarker: string;
    NextKeyMarker: string;
    NextPartNumberMarker: string;
    Parts: { PartNumber: string; ETag: string; Size: string }[];
    Uploads: { Key: string; UploadId: string }[];
    Deleteds: { Key: string }[];
    Rules: Record<string, unknown>[];
    CorsRules: {
      ID: string;
      AllowedMethod: string[];
      AllowedOrigin: string[];
      AllowedHeader: string[];
      ExposeHeader: string[];
      MaxAgeSeconds: string;
    }[];
  }

  export interface Result {
    CommonMsg: CommonMsg;
    InterfaceResult: InterfaceResult;
  }

  type Call = (parameters: Record<string, unknown>) => Promise<Result>;

  export default class ObsClient {
    constructor(options: {
      access_key_id: string;
      secret_access_key: string;
      security_token?: string | undefined;
      server: string;
      http_agent?: Agent;
      signature?: 'obs' | 'v2' | 'v4';
      path_style?: boolean;
      is_signature_negotiation?: boolean;
      max_retry_count?: number;
      timeout?: number;
    });
    listBuckets(): Promise<Result>;
    createBucket: Call;
    headBucket: Call;
    deleteBucket: Call;
    getBucketLocation: Call;
    listObjects: Call;
    putObject: Call;
    getObject: Call;
    getObjectMetadata: Call;
    deleteObject: Call;
    deleteObjects: Call;
    copyObject: Call;
    initiateMultipartUpload: Call;
    uploadPart: Call;
    listParts: Call;
    completeMultipartUpload: Call;
    abortMultipartUpload: Call;
    listMultipartUploads: Call;
    setBucketCors: Call;
    getBucketCors: Call;
    deleteBucketCors: Call;
    setBucketNotification: Call;
    uploadFile: Call;
    downloadFile: Call;
    getBucketTagging: Call;
    getBucketPolicy: Call;
    createSignedUrlSync(parameters: {
      Method: string;
      Bucket?: string;
      Key?: string;
      SpecialParam?: string;
      Expires?: number;
      Headers?: Record<string, string>;
      QueryParams?: Record<string, string>;
    }): { SignedUrl: string; ActualSignedRequestHeaders: Record<string, string> };
    close(): void;
  }
}
