import { watch, type FSWatcher } from 'node:fs'
import { isNetbridgeError } from './errors.js'
import { bindHostPort, type BoundPort } from './host-port.js'
import { forwardLoopback } from './loopback-forwarder.js'
import type { PublishedPort } from './ports.js'
import { portKey, type HostPort, type PortClaims } from './state/port-claims.js'

/** How long a process that was told to let go of a port may take, in milliseconds. */
const HANDOVER_MS = 20
const PAUSE_MS = 2

/**
 * Sockets that hold published ports, so that no program of the host can listen there. Packets never come to them, as the
 * kernel has changed their destination before; but those to [::1], which this process carries on. They go with the
 * process.
 */
export class PortReservations implements Disposable {
  /** By {@link portKey}, then by address of the host. */
  readonly #held = new Map<string, Map<string, readonly Disposable[]>>()
  #watcher: FSWatcher | undefined

  /**
   * Holds a port.
   *
   * @param address6 - IPv6 address of the container: every address is to be every IPv6 address too, and what comes to
   *   [::1] is carried there. Unset: it has none.
   * @returns Its number, chosen by the kernel when it was 0; 0 when the kernel has no such protocol.
   * @throws {@link NetbridgeError} as `bindHostPort()`.
   */
  hold(port: HostPort & Partial<PublishedPort>, address6: string | undefined): number {
    const bound: Disposable[] = []
    const { protocol, container } = port
    const target =
      address6 === undefined || container === undefined ? undefined : { address: address6, port: container }
    const bindOne = (wanted: HostPort): number => {
      const socket = bindPatiently(wanted)
      if (socket === undefined) return wanted.host
      const isLoopback = wanted.hostIp === '::' || wanted.hostIp === '::1'
      if (target === undefined || !isLoopback || protocol === 'sctp') bound.push(socket)
      else bound.push(forwardLoopback(protocol, socket.release(), target))
      return socket.host
    }
    try {
      const host = bindOne(port)
      if (address6 !== undefined && port.hostIp === '0.0.0.0') bindOne({ ...port, host, hostIp: '::' })
      if (bound.length > 0) this.#keep({ ...port, host }, bound)
      return host
    } catch (error) {
      closeAll(bound)
      throw error
    }
  }

  /** Holds a port if nobody else does: another process that has the network open may. */
  tryToHold(port: PublishedPort, address6: string | undefined): void {
    try {
      if (this.#held.get(portKey(port))?.has(port.hostIp) !== true) this.hold(port, address6)
    } catch (error) {
      if (!isNetbridgeError(error)) throw error
    }
  }

  /** Lets go of a port, if this process holds it. */
  release(port: HostPort): void {
    const name = portKey(port)
    const addresses = this.#held.get(name)
    closeAll(addresses?.get(port.hostIp) ?? [])
    addresses?.delete(port.hostIp)
    if (addresses?.size === 0) this.#held.delete(name)
  }

  /** From now on lets go of those that other processes take away, without keeping the event loop alive. */
  watch(claims: PortClaims): void {
    claims.onRelease((key) => {
      for (const sockets of this.#held.get(key)?.values() ?? []) closeAll(sockets)
      this.#held.delete(key)
    })
    this.#watcher = watch(claims.folder, { persistent: false }, () => {
      claims.refresh()
    })
    this.#watcher.on('error', () => undefined) // the folder went with the last network
  }

  /** Lets go of all. */
  close(): void {
    this.#watcher?.close()
    for (const addresses of this.#held.values()) for (const sockets of addresses.values()) closeAll(sockets)
    this.#held.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #keep(port: HostPort, sockets: readonly Disposable[]): void {
    const name = portKey(port)
    const addresses = this.#held.get(name) ?? new Map<string, readonly Disposable[]>()
    this.#held.set(name, addresses.set(port.hostIp, sockets))
  }
}

function closeAll(sockets: readonly Disposable[]): void {
  for (const socket of sockets) socket[Symbol.dispose]()
}

/**
 * A port that another process has just taken away from its container is held by the process that published it until
 * that has noticed.
 */
function bindPatiently(port: HostPort): BoundPort | undefined {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      return bindHostPort(port)
    } catch (error) {
      const isTaken = isNetbridgeError(error) && error.code === 'ERR_NETBRIDGE_PORT_TAKEN'
      if (!isTaken || port.host === 0 || waited >= HANDOVER_MS) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}
