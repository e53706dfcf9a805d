import type { Operation } from '../operation';

export const deleteCustomPolicy: Operation = {
  on: 'DELETE /v3.0/OS-ROLE/roles/{role_id}',
  action: 'iam:roles:deleteRole',
  run({ names }, { identities }) {
    identities.deletePolicy(names.role_id ?? '');
    return { status: 200, body: { message: 'Delete success.' } };
  },
};
