import { openSync } from 'node:fs'
import { Fd, O_CLOEXEC, pidfdOpen } from '@ctr/linux'
import type { Bundle } from './bundle.js'
import type { OciContext } from './context.js'
import { runHooks } from './hooks/run-hooks.js'
import { foreignNamespaces } from './namespaces.js'
import { assignIntelRdt, checkIntelRdt, type IntelRdtPlace } from './process/intel-rdt.js'
import type { ContainerState } from './state/container-state.js'
import { ociState } from './state/status.js'

/**
 * Does what the host does to a container between the making of its namespaces and the change of its root: devices of
 * the network, its class of resources, and hooks (runtime.md, lifecycle).
 */
export async function runCreateHooks(
  { log }: OciContext,
  { config }: Bundle,
  container: ContainerState,
  rdt: IntelRdtPlace | undefined,
): Promise<void> {
  const { hooks, linux } = config
  const pid = container.pid!
  if (rdt !== undefined && linux?.intelRdt !== undefined)
    assignIntelRdt(rdt, pid, checkIntelRdt(linux.intelRdt))
  const devices = linux?.netDevices ?? {}
  if (Object.keys(devices).length > 0) {
    const { moveNetDevices } = await import('./process/net-devices.js')
    using netns = new Fd(openSync(`/proc/${pid}/ns/net`, O_CLOEXEC))
    moveNetDevices(devices, netns.number)
  }
  const state = ociState(container, 'created')
  await runHooks('prestart', hooks?.prestart, state, { log })
  await runHooks('createRuntime', hooks?.createRuntime, state, { log })
  if (hooks?.createContainer === undefined) return
  using pidfd = new Fd(pidfdOpen(pid))
  const inContainer = {
    pidfd: pidfd.number,
    kinds: foreignNamespaces(pid, pidfd.number),
    cwd: container.rootfs,
  }
  await runHooks('createContainer', hooks.createContainer, state, { log, inContainer })
}
