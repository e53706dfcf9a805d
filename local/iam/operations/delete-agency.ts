import type { Operation } from '../operation';

export const deleteAgency: Operation = {
  on: 'DELETE /v3.0/OS-AGENCY/agencies/{agency_id}',
  action: 'iam:agencies:deleteAgency',
  run({ names }, { identities }) {
    identities.deleteAgency(names.agency_id ?? '');
    return { status: 204 };
  },
};
