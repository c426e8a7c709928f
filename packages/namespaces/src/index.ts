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
export { writeIdMaps } from './ids/write-id-maps.js'
export { cloneFlag, namespaceKinds, procName, type NamespaceKind } from './kinds.js'
export { describe, spawn } from './spawn.js'
export type { SpawnOptions } from './spawn-options.js'
export { SpawnedProcess } from './process.js'
export type { NamespaceSource, NamespaceSources } from './source.js'
export { inspectNamespaces, listNamespaces, type NamespaceInfo } from './list.js'
export { openUserNamespace } from './user-namespace.js'
export { pin, unpin } from './pin.js'
export type { CapabilitySets, Credentials, User } from './setup/credentials.js'
export { AT_GATE, type Gate } from './setup/init.js'
export { places } from './setup/execute.js'
export type { TimeOffsets } from './setup/enter.js'
export type { Stdio } from './setup/stdio.js'
