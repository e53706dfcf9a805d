import type { Server } from 'node:http';
import { createSignedServer, type SignedServerOptions } from '../signed-server';
import { notAuthorized, notFound } from './errors';
import type { IdentityBook } from './identity-book';
import type { Operation } from './operation';
import {
  associateAgencyWithDomainPermission,
  associateAgencyWithProjectPermission,
} from './operations/associate-agency';
import { createAgency } from './operations/create-agency';
import { createCustomPolicy } from './operations/create-custom-policy';
import { deleteAgency } from './operations/delete-agency';
import { deleteCustomPolicy } from './operations/delete-custom-policy';
import { listAgencies } from './operations/list-agencies';
import {
  listAgencyAllProjectsPermissions,
  listAgencyDomainPermissions,
  listAgencyProjectPermissions,
} from './operations/list-agency-permissions';
import { listCustomPolicies } from './operations/list-custom-policies';
import { listPermissions, showPermission } from './operations/list-permissions';
import { listProjects } from './operations/list-projects';
import { updateCustomPolicy } from './operations/update-custom-policy';

export interface IamOptions extends SignedServerOptions {
  /** The account's only project; on the platform a region's first project bears the region's name. */
  region: string;
  identities: IdentityBook;
}

const OPERATIONS: readonly Operation[] = [
  listProjects,
  listAgencies,
  createAgency,
  deleteAgency,
  listAgencyProjectPermissions,
  listAgencyDomainPermissions,
  listAgencyAllProjectsPermissions,
  associateAgencyWithProjectPermission,
  associateAgencyWithDomainPermission,
  listPermissions,
  showPermission,
  listCustomPolicies,
  createCustomPolicy,
  updateCustomPolicy,
  deleteCustomPolicy,
];

/** Paths that IAM answers at an address that it shares with other services. */
export const IAM_PATHS = /^\/v3(\.0)?\//;

/** The parts of IAM that clients here use: projects, agencies, and what these are allowed. Not yet listening. */
export function createIamServer({ region, identities, ...options }: IamOptions): Server {
  return createSignedServer({
    ...options,
    name: 'IAM',
    service: { region, identities },
    operations: OPERATIONS,
    forbidden: notAuthorized,
    wrongProject: notFound,
  });
}
