import * as z from 'zod';
import { agencyView, checkDomain, type Operation, readBody } from '../operation';

const body = z.object({
  agency: z
    .object({
      name: z.string().min(1).max(64),
      domain_id: z.string(),
      trust_domain_id: z.string().optional(),
      trust_domain_name: z.string().optional(),
      description: z.string().max(255).default(''),
      duration: z.union([z.enum(['FOREVER', 'ONEDAY']), z.null()]).default('FOREVER'),
    })
    .refine(
      ({ trust_domain_id, trust_domain_name }) => (trust_domain_id ?? trust_domain_name) !== undefined,
      {
        path: ['trust_domain_name'],
        message: 'is a required property',
      },
    ),
});

const DAY_MS = 24 * 3600 * 1000;

export const createAgency: Operation = {
  on: 'POST /v3.0/OS-AGENCY/agencies',
  action: 'iam:agencies:createAgency',
  run(request, { identities }) {
    const { agency } = readBody(request.body, body);
    checkDomain(agency.domain_id);
    const ends = agency.duration === 'ONEDAY' ? new Date(Date.now() + DAY_MS).toISOString() : null;
    const made = identities.createAgency({
      name: agency.name,
      description: agency.description,
      trustDomainName: agency.trust_domain_name ?? agency.trust_domain_id ?? '',
      expireTime: ends,
    });
    return { status: 201, body: { agency: agencyView(made) } };
  },
};
