import * as z from 'zod';
import { parseJson } from '../parse-json';

const listOf = (item: z.ZodString) => z.union([item.transform((one) => [one]), z.array(item)]);

/** A topic's access policy (SMN user guide, topic policies): the part about services that publish. */
const AccessPolicy = z.object({
  Version: z.literal('2016-09-07'),
  Id: z.string().min(1),
  Statement: z.array(
    z.object({
      Sid: z.string().min(1),
      Effect: z.enum(['Allow', 'Deny']),
      Principal: z
        .object({ CSP: listOf(z.string()).optional(), Service: listOf(z.string()).optional() })
        .optional(),
      NotPrincipal: z.unknown().optional(),
      Action: listOf(z.string()).optional(),
      NotAction: z.unknown().optional(),
      Resource: listOf(z.string()).optional(),
      NotResource: z.unknown().optional(),
      Condition: z.unknown().optional(),
    }),
  ),
});

/** True for a policy that SMN accepts. An empty one takes all rights away. */
export function isAccessPolicy(text: string): boolean {
  return text === '' || AccessPolicy.safeParse(parseJson(text)).success;
}

/** True if the policy lets a service publish to the topic. The service has its short name in lower case. */
export function letsPublish(policy: string, service: string, topicUrn: string): boolean {
  const statements = AccessPolicy.safeParse(parseJson(policy)).data?.Statement ?? [];
  const about = statements.filter(
    ({ Principal, Action = [], Resource = [] }) =>
      Principal?.Service?.some((name) => name.toLowerCase() === service) &&
      Action.some((action) => action.toLowerCase() === 'smn:publish') &&
      Resource.includes(topicUrn),
  );
  return about.some(({ Effect }) => Effect === 'Allow') && about.every(({ Effect }) => Effect === 'Allow');
}

/** A policy in the console's form that lets the account's users and these services publish. */
export function publishingPolicy(topicUrn: string, services: readonly string[]): string {
  return JSON.stringify({
    Version: '2016-09-07',
    Id: '__default_policy_ID',
    Statement: [
      {
        Sid: '__service_pub_0',
        Effect: 'Allow',
        Principal: { Service: services },
        Action: ['SMN:Publish', 'SMN:QueryTopicDetail'],
        Resource: topicUrn,
      },
    ],
  });
}
