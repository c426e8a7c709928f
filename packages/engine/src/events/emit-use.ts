import type { Container, Runtime } from '@ctr/runtime'
import { driverOf, idOf, infoOf, isMade } from '../translate/networks.js'
import type { EventBus } from './event-bus.js'

/** Tells of the networks and volumes of a container, that it begins or ends to use them. */
export function emitUse(
  { id: container, handle }: { readonly id: string; readonly handle: Container },
  begins: boolean,
  { runtime, events }: { readonly runtime: Runtime; readonly events: EventBus },
): void {
  const { network, volumes, options } = handle.inspect()
  const driver = 'local'
  for (const { name, target } of volumes) {
    const readOnly = options?.volumes?.find((one) => one.target === target)?.readOnly ?? false
    const mounted = {
      container,
      destination: target,
      driver,
      propagation: '',
      'read/write': String(!readOnly),
    }
    events.emit('volume', begins ? 'mount' : 'unmount', name, begins ? mounted : { container, driver })
  }
  const names = network.mode === 'bridge' ? network.networks.map(({ name }) => name) : [network.mode]
  for (const name of names) {
    if (name === 'container') continue
    const type = driverOf(name, isMade(name) ? infoOf(runtime, name) : undefined)
    events.emit('network', begins ? 'connect' : 'disconnect', idOf(runtime, name), { container, name, type })
  }
}
