import { existsSync, lstatSync } from 'node:fs'
import type { Hierarchy } from './hierarchy.js'

/** Who makes cgroups: this package by itself in the cgroup file system, or systemd as scopes. */
export type CgroupDriver = 'cgroupfs' | 'systemd'

/** Folder that is there exactly when systemd is the init process; see sd_booted(3). */
export const SYSTEMD_BOOTED = '/run/systemd/system'
/** Sockets of the system's service manager: its bus, and the one that it has without a bus. */
export const SYSTEM_SOCKETS = {
  bus: '/run/dbus/system_bus_socket',
  peer: '/run/systemd/private',
} as const

/**
 * Who should make cgroups on this host, as Docker chooses: systemd for root where it is the init process and the
 * hierarchy is that of v2, which must have one owner; elsewhere we.
 *
 * @param hierarchy - What `detectHierarchy` found.
 */
export function defaultCgroupDriver({ mode }: Pick<Hierarchy, 'mode'>): CgroupDriver {
  const reachable = () => Object.values(SYSTEM_SOCKETS).some((path) => existsSync(path))
  return mode === 'v2' && process.geteuid?.() === 0 && isSystemdInit() && reachable() ? 'systemd' : 'cgroupfs'
}

/** True when systemd is the init process of this host, or of this container. */
export function isSystemdInit(): boolean {
  return lstatSync(SYSTEMD_BOOTED, { throwIfNoEntry: false })?.isDirectory() ?? false
}
