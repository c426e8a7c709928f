import { isNetbridgeError, moveLink } from '@ctr/netbridge'
import { RuntimeError } from '../../errors.js'
import type { ConfigNetDevice } from '../config/config.js'

/**
 * Outside, while the child waits in its network namespace: moves network devices of the host into it, under the names
 * of the config, with their permanent global addresses, and sets them up. Nobody moves them back: they go, or come
 * back to the host, with the namespace.
 *
 * @param devices - By their name on the host.
 * @param netnsFd - Descriptor of the container's network namespace, `/proc/PID/ns/net`.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: there is no such device, the container has one of that name, or
 *   the kernel does not let it go. The device is back on the host then; those before it have been moved.
 */
export function moveNetDevices(devices: Readonly<Record<string, ConfigNetDevice>>, netnsFd: number): void {
  for (const [name, { name: inside = '' }] of Object.entries(devices)) {
    try {
      moveLink(name, { netnsFd, newName: inside === '' ? name : inside })
    } catch (error) {
      if (!isNetbridgeError(error)) throw error
      throw new RuntimeError(
        'ERR_RUNTIME_START',
        `cannot move network device ${JSON.stringify(name)} into the container: ${error.message}`,
        { cause: error },
      )
    }
  }
}
