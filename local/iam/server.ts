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
  /** The account's only project. On the platform the first project of a region has the region's name. */
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

/** Paths of IAM, at an address that several services share. */
export const IAM_PATHS = /^\/v3(\.0)?\//;

/** The parts of IAM that clients need here: projects, agencies and their rights. Not yet listening. */
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
