/**
 * Scopes of systemd as cgroups: {@link createScope} makes one over D-Bus, {@link scopeOf} finds that of a cgroup.
 *
 * @packageDocumentation
 */
export type { Value, Variant } from '../dbus/value.js'
export { createScope, type CreateScopeOptions } from './create-scope.js'
export type { ManagerOptions } from './manager.js'
export { parseUnitProperty } from './parse-property.js'
export { Scope, scopeOf } from './scope.js'
export { checkUnitName, expandSlice } from './slice.js'
export type { UnitProperty } from './unit-property.js'
export { findManager, isOrdinaryUser, type ManagerSocket } from './where.js'
