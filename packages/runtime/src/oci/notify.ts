import type { Bundle } from './bundle.js'
import { parseMountOptions } from './config/mount-options.js'
import type { Log } from './log.js'
import { makesNew } from './namespaces.js'
import { hasNotify, NotifySocket, prepareNotify } from './process/notify-socket.js'
import type { ContainerState } from './state/container-state.js'
import { openInit } from './state/status.js'

/** A bundle whose container can say that it is ready, and what its process finds the way by. */
export interface NotifyingBundle {
  readonly bundle: Bundle
  readonly env: readonly string[]
}

/**
 * Adds to a bundle what sd_notify(3) needs in the container. One without a mount namespace of its own stays as it is.
 *
 * @param folder - The container's folder.
 * @param host - `NOTIFY_SOCKET` of whoever makes it; undefined or empty without a service manager.
 */
export function withNotify(bundle: Bundle, folder: string, host: string | undefined): NotifyingBundle {
  if (host === undefined || host === '' || !makesNew(bundle.config.linux, 'mount')) return { bundle, env: [] }
  const { mount, env } = prepareNotify(folder, host)
  const mounts = [...bundle.mounts, { mount, options: parseMountOptions(mount.options ?? []) }]
  return { bundle: { ...bundle, mounts }, env }
}

/** Makes the socket of a container that is about to be started, where it was made with one. */
export function openNotify(folder: string, host: string | undefined): NotifySocket | undefined {
  return host === undefined || host === '' || !hasNotify(folder) ? undefined : NotifySocket.open(folder)
}

/**
 * Tells the service manager when a container says that it is ready. What goes wrong with that is a warning: the
 * container runs.
 *
 * @param notify - Its socket, which is closed at the end.
 * @returns Whether it was ready before it ended.
 */
export async function forwardReady(
  notify: NotifySocket,
  host: string,
  { state, log }: { readonly state: ContainerState; readonly log: Log },
): Promise<boolean> {
  using socket = notify
  using init = openInit(state)
  if (init === undefined) return false
  try {
    return await socket.forward(host, { pid: state.pid!, pidfd: init.number, log })
  } catch (error) {
    log.warn(`cannot tell the service manager that the container is ready: ${(error as Error).message}`)
    return false
  }
}
