import { existsSync } from 'node:fs'
import { RuntimeError } from '../../errors.js'

/** Folder that is there exactly when systemd is the init process; see sd_booted(3). */
const BOOTED = '/run/systemd/system'
/** Where systemd and the bus can be talked to. */
const SOCKETS = ['/run/systemd/private', '/run/dbus/system_bus_socket']

/**
 * The error of `--systemd-cgroup`, which says what is missing: systemd itself, its socket, or (where both are there)
 * the part of this runtime that talks to it.
 */
export function systemdUnavailable(): RuntimeError {
  const why = !existsSync(BOOTED)
    ? `systemd is not the init process of this host (there is no ${BOOTED})`
    : !SOCKETS.some((socket) => existsSync(socket))
      ? `there is no D-Bus socket of systemd (${SOCKETS.join(', ')})`
      : 'this version makes cgroups itself and does not ask systemd for them'
  return new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot let systemd make the cgroup: ${why}; leave --systemd-cgroup out, or use --cgroup-manager cgroupfs`,
  )
}
