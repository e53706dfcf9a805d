import { agencyView, checkDomain, listed, type Operation, pageOf } from '../operation';

export const listAgencies: Operation = {
  on: 'GET /v3.0/OS-AGENCY/agencies',
  action: 'iam:agencies:listAgencies',
  run(request, { identities }) {
    checkDomain(request.query.get('domain_id'));
    const name = request.query.get('name');
    const found = identities.agencies().filter((agency) => name === null || agency.name === name);
    return listed(request, { agencies: pageOf(found, request.query).map(agencyView) });
  },
};
