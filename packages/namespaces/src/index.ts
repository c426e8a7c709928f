/**
 * Linux namespaces for Node.js: start processes in any mix of new, joined and inherited namespaces, map ids,
 * list namespaces and pin them.
 *
 * @packageDocumentation
 */
export { isNamespacesError, NamespacesError, type NamespacesErrorCode } from './errors.js'
export { checkIdMaps, ownIdMaps, type IdMapping, type IdMaps } from './ids/id-map.js'
export { findIdMaps, type FindIdMapsOptions, type FoundIdMaps } from './ids/find-id-maps.js'
export {
  subordinateIds,
  type IdRange,
  type SubordinateIds,
  type SubordinateOptions,
} from './ids/subordinate-ids.js'
export { IdPool, type ClaimOptions, type IdClaim, type IdPoolOptions } from './ids/id-pool.js'
export type { ClaimedIds, ClaimOwner } from './ids/claim-name.js'
export { writeIdMaps } from './ids/write-id-maps.js'
export { cloneFlag, namespaceKinds, procName, type NamespaceKind } from './kinds.js'
export type { ProcessAttributes } from './attributes/attributes.js'
export type { CpuAffinity } from './attributes/cpu-affinity.js'
export type { IoPriority } from './attributes/io-priority.js'
export type { SessionKeyring } from './attributes/keyring.js'
export { checkMemoryPolicy, type MemoryPolicy } from './attributes/memory-policy.js'
export { ownCapabilities, type OwnCapabilities } from './attributes/own-capabilities.js'
export type { ExecutionDomain } from './attributes/personality.js'
export {
  checkRlimits,
  ownRlimit,
  rlimitType,
  rlimitTypes,
  type Rlimit,
  type RlimitType,
  type RlimitValues,
} from './attributes/rlimits.js'
export {
  checkScheduler,
  type Scheduler,
  type SchedulerFlag,
  type SchedulerPolicy,
} from './attributes/scheduler.js'
export { openConsole, type Console } from './setup/console.js'
export { describe, spawn } from './spawn.js'
export type { SpawnOptions } from './spawn-options.js'
export { SpawnedProcess } from './process.js'
export type { NamespaceSource, NamespaceSources } from './source.js'
export { enter, type ThreadNamespaceKind, type ThreadNamespaceSources } from './enter.js'
export { inspectNamespaces, listNamespaces, type ListOptions, type NamespaceInfo } from './list/list.js'
export { openIdmappedMount, type IdmappedMountOptions } from './idmapped-mount.js'
export { openTerminal, type OpenTerminal } from './terminal.js'
export { openUserNamespace } from './user-namespace.js'
export { pin, unpin } from './pin.js'
export type { CapabilitySets, Credentials, User } from './setup/credentials.js'
export { AT_GATE, type Gate } from './setup/init.js'
export { places } from './setup/execute.js'
export type { TimeOffsets } from './setup/enter.js'
export type { Stdio } from './setup/stdio.js'
