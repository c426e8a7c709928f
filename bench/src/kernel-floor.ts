// What the kernel alone needs for containers: our runtime's own programs, made before the clock runs. Those who make
// them are no part of anybody's interface.
import {
  closeFd,
  Fd,
  O_CLOEXEC,
  onReadable,
  openExecutable,
  pidfdSendSignal,
  pipe2,
  start,
  waitid,
} from '@ctr/linux'
import { assembleInit, assembleSetup } from '../../packages/namespaces/src/setup/assemble.js'
import { cloneFlags } from '../../packages/namespaces/src/setup/enter.js'
import { resolveSources } from '../../packages/namespaces/src/source.js'
import { readBundle } from '../../packages/runtime/src/oci/bundle.js'
import { cgroupViewOf } from '../../packages/runtime/src/oci/cgroup/cgroup-view.js'
import { makeCgroup } from '../../packages/runtime/src/oci/cgroup/make-cgroup.js'
import { OciContext } from '../../packages/runtime/src/oci/context.js'
import { initOptions } from '../../packages/runtime/src/oci/init-options.js'
import { noLog } from '../../packages/runtime/src/oci/log.js'
import { environmentOf } from '../../packages/runtime/src/oci/process/environment.js'
import { prepareSeccomp } from '../../packages/runtime/src/oci/seccomp.js'
import { planSetup } from '../../packages/runtime/src/oci/setup/plan-setup.js'
import { StateStore } from '../../packages/runtime/src/oci/state/state-store.js'

/** A container of which everything is prepared but its process. */
export interface PreparedContainer extends AsyncDisposable {
  /** Makes its process, and resolves when that executes its command. */
  run(): Promise<void>
}

/**
 * Prepares a container of a bundle: its cgroup, its mounts' sources, and the two programs that the runtime would
 * start. No id, no state and no gate: what is left for `run` is what the kernel does.
 */
export async function prepareContainer(bundlePath: string, id: string): Promise<PreparedContainer> {
  const store = StateStore.open('/nonexistent') // nothing is saved
  const context = new OciContext({ store, cgroupManager: 'cgroupfs', rootless: false, log: noLog })
  const bundle = readBundle(context, { bundle: bundlePath })
  const { linux, process } = bundle.config
  const closers: (() => unknown)[] = []
  const closing = <T extends Disposable | undefined>(opened: T): T => {
    closers.unshift(() => opened?.[Symbol.dispose]())
    return opened
  }
  const { cgroup } = (await makeCgroup(context, id, bundle))!
  closers.unshift(() => cgroup.remove())
  const plan = closing(
    await planSetup(bundle.config, { bundle: bundle.path, rootfs: bundle.rootfs, mounts: bundle.mounts }),
  )
  const seccomp = closing(await prepareSeccomp(linux?.seccomp, noLog))
  const join = closing(cgroup.openJoinFds({ cloneInto: true }))
  const [reports, report] = pipe2(O_CLOEXEC).map((fd) => closing(new Fd(fd))) as [Fd, Fd]
  const options = initOptions(context, bundle, {
    id,
    env: environmentOf(process.env ?? [], () => '/'),
    plan,
    cgroup: join.cloneInto,
    cgroupFds: join.writeZero,
    cgroups: cgroupViewOf(context.hierarchy, linux, cgroup),
    consoleSocket: undefined,
    seccomp: seccomp.credentials,
    gate: undefined,
    stdio: ['ignore', 'ignore', 'ignore'],
    preserveFds: [],
    keyring: true,
    noPivot: false,
    meanwhile: undefined,
  })
  const sources = closing(resolveSources(options.namespaces ?? {}))
  const init = closing(
    openExecutable(assembleInit(options, { sources, report: report.number }), report.number),
  )
  const setup = assembleSetup(options, {
    sources,
    stdio: [undefined, undefined, undefined],
    pipes: undefined,
    report: report.number,
    init: init.number,
    entry: undefined,
  })
  let pidfd: number | undefined
  return {
    async run() {
      const child = await start(setup, { flags: cloneFlags(sources), cgroup: join.cloneInto }).completed
      pidfd = child.pidfd
      report.close()
      await new Promise<void>((resolve) => onReadable(reports.number, resolve))
    },
    async [Symbol.asyncDispose]() {
      if (pidfd !== undefined) {
        const process = pidfd
        pidfdSendSignal(process, 9)
        await new Promise<void>((resolve) => onReadable(process, resolve))
        waitid(process)
        closeFd(process)
      }
      for (const close of closers) await close()
    },
  }
}
