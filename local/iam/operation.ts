import * as z from 'zod';
import { parseJson } from '../parse-json';
import type { SignedAnswer, SignedOperation, SignedRequest } from '../signed-server';
import { type Agency, DOMAIN_ID } from './agencies';
import { badRequest, foreignDomain, notFound } from './errors';
import type { IdentityBook } from './identity-book';

/** What the operations work on. */
export interface Service {
  /** The account's only project has the same name. */
  region: string;
  identities: IdentityBook;
}

export type Operation = SignedOperation<Service>;

/** The answer of a list. */
export function listed({ rawUrl }: SignedRequest, what: Record<string, unknown>): SignedAnswer {
  return { status: 200, body: { links: { self: rawUrl, previous: null, next: null }, ...what } };
}

const paging = z
  .object({
    page: z.coerce.number().int().min(1).exactOptional(),
    per_page: z.coerce.number().int().min(1).max(500).exactOptional(),
  })
  .refine(({ page, per_page }) => (page === undefined) === (per_page === undefined));

/**
 * The page that `page` and `per_page` select. Without them the whole list (IAM API reference, listing agencies).
 * @throws Refused 400 for one without the other, or beyond its range
 */
export function pageOf<T>(all: readonly T[], query: URLSearchParams): readonly T[] {
  const parsed = paging.safeParse(Object.fromEntries(query));
  if (!parsed.success) {
    throw badRequest(
      'page must be an integer from 1 and per_page an integer from 1 to 500, and each needs the other.',
    );
  }
  const { page = 1, per_page: size = all.length } = parsed.data;
  return all.slice((page - 1) * size, page * size);
}

/** @throws Refused 400 */
export function readBody<T>(body: Buffer, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(body.toString('utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badRequest(`'${issue?.path.join('.')}': ${issue?.message}`);
}

/** @throws Refused 403 for another account */
export function checkDomain(domainId: string | null | undefined): void {
  if (domainId !== DOMAIN_ID) throw foreignDomain();
}

/** Path parameters of an operation on an agency's rights. @throws Refused 404 for another account */
export function rightsOf({ names }: SignedRequest): { agencyId: string; roleId: string } {
  if (names.domain_id !== undefined && names.domain_id !== DOMAIN_ID) throw notFound();
  return { agencyId: names.agency_id ?? '', roleId: names.role_id ?? '' };
}

/** An agency as IAM shows it (IAM API reference, listing agencies). */
export function agencyView({ id, name, trustDomainName, expireTime, description = '' }: Agency) {
  return {
    id,
    name,
    domain_id: DOMAIN_ID,
    trust_domain_id: '0000000000000000000000000000f6f6',
    trust_domain_name: trustDomainName,
    description,
    duration: expireTime === null ? 'FOREVER' : 'ONEDAY',
    create_time: '2026-01-01T00:00:00.000000',
    expire_time: expireTime,
  };
}

/** The form of custom policies (IAM API reference, creating a custom policy for cloud services). */
export const policyBody = z.object({
  role: z
    .object({
      display_name: z
        .string()
        .regex(/^[\w .-]{1,64}$/, 'must be 1 to 64 letters, digits, " ", ".", "-" and "_"'),
      /** AX: for global services, XA: for services of regions. */
      type: z.enum(['AX', 'XA']),
      description: z.string().min(1),
      policy: z.object({
        Version: z.literal('1.1'),
        Statement: z
          .array(
            z.object({
              Effect: z.enum(['Allow', 'Deny']),
              Action: z
                .array(z.string().regex(/^[^:\s]+(:[^:\s]+){2}$/, 'must be service:type:action'))
                .min(1),
              Resource: z
                .array(z.string().regex(/^([^:]*:){3}[^:]+:.+$/, 'must be service:region:account:type:path'))
                .max(10)
                .exactOptional(),
            }),
          )
          .min(1)
          .max(8),
      }),
    })
    .refine(
      ({ type, policy }) =>
        policy.Statement.flatMap(({ Action }) => Action).every(
          (action) => /^(obs|iam):/i.test(action) === (type === 'AX'),
        ),
      { path: ['type'], message: 'AX is for global services, XA for services of regions' },
    ),
});
