import type { ReceivedRequest } from './canonical-request';
import type { Difference } from './canonical-request-difference';

/** What is known about a request that was refused or will be. At least `request` or `refusal` is needed. */
export interface SignatureCase {
  request?: ReceivedRequest;
  /** The text of the gateway's refusal (`error_msg`). */
  refusal?: string;
  /** The canonical request that the client made, with line feeds or `|` between its lines. */
  canonicalRequest?: string;
}

/** What is wrong with a signature. */
export interface Diagnosis {
  isRight: boolean;
  /** In whole sentences: the cause, and what to do. */
  explanation: string;
  /**
   * The first line in which the client's canonical request and the gateway's differ. Absent if that is not the cause.
   */
  difference?: Difference;
}
