import { DOMAIN_ID } from '../agencies';
import { listed, type Operation } from '../operation';

/** The projects of the account. The vendor's SDKs ask for them if they know the region but no project id. */
export const listProjects: Operation = {
  on: 'GET /v3/projects',
  run(request, { region }) {
    const name = request.query.get('name') ?? region;
    return listed(request, { projects: name === region ? [projectView(request.key.projectId, region)] : [] });
  },
};

/** A project as IAM lists it (IAM API reference, querying projects). */
function projectView(id: string, name: string) {
  return {
    id,
    name,
    domain_id: DOMAIN_ID,
    parent_id: DOMAIN_ID,
    is_domain: false,
    enabled: true,
    description: '',
    links: { self: `/v3/projects/${id}` },
  };
}
