import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder';
import { Logger4jInstance } from '@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger';
import type { SdkResponse } from '@huaweicloud/huaweicloud-sdk-core/SdkResponse';

export const KEY = {
  accessKey: 'AKTEST',
  secretKey: 'SKTEST',
  projectId: '0123456789abcdef0123456789abcdef',
};

// biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
type Body = any;

/** What the vendor's client gets, with `httpStatusCode`; a refusal as `400 LTS.0009`, one of IAM's as `409`. */
export function vendorRequest(method: string, address: string, data: object = {}): Promise<Body> {
  // The SDK prints each refused call with all its headers and has no option against it.
  Logger4jInstance.level = 'off';
  const { accessKey: ak, secretKey: sk, projectId } = KEY;
  const { origin, pathname: url, searchParams } = new URL(address);
  const client = new ClientBuilder((built) => built)
    .withCredential(new BasicCredentials({ ak, sk, projectId }))
    .withEndpoint(origin)
    .build();
  const queryParams = Object.fromEntries(searchParams);
  const request = { method, url, contentType: 'application/json', pathParams: {}, queryParams, headers: {} };
  return client
    .sendRequest<SdkResponse & Body>({ ...request, data } as never)
    .catch(({ httpStatusCode, errorCode }) => {
      // IAM has no codes but those of HTTP.
      const isOwnCode = errorCode !== undefined && errorCode !== httpStatusCode;
      return isOwnCode ? `${httpStatusCode} ${errorCode}` : `${httpStatusCode}`;
    });
}
