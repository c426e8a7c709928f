import { hierarchyName, type Cgroup } from '@ctr/cgroups'
import { explain, Program } from '@ctr/linux'
import { describe } from '@ctr/namespaces'
import { readBundle } from './bundle.js'
import { cgroupPathOf } from './cgroup/cgroup-path.js'
import { cgroupViewOf } from './cgroup/cgroup-view.js'
import type { ConfigLinux } from './config/config.js'
import type { OciContext } from './context.js'
import { initOptions } from './init-options.js'
import { environmentOf } from './process/environment.js'
import { prepareSeccomp } from './seccomp.js'
import type { Call } from './setup/call.js'
import { planSetup } from './setup/plan-setup.js'

/** What is explained. */
export interface ExplainOptions {
  /** Folder of the bundle. */
  readonly bundle: string
  /** Path of another `config.json`. */
  readonly config?: string | undefined
}

/**
 * The set-up of a container as text: every system call that makes it from its bundle, in order, the runtime's own
 * first. Nothing is made.
 *
 * @throws {@link RuntimeError} As `create`, for what is wrong with the bundle.
 */
export async function explainBundle(context: OciContext, options: ExplainOptions): Promise<string> {
  const bundle = readBundle(context, options)
  const { linux, process } = bundle.config
  const runtime = new Program()
  runtime.step('open what comes from the host')
  const call: Call = (name, ...args) => {
    runtime.call(name, args)
    return 0
  }
  using plan = await planSetup(bundle.config, {
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    mounts: bundle.mounts,
    call,
  })
  using seccomp = await prepareSeccomp(linux?.seccomp, context.log)
  const programs = describe(
    initOptions(context, bundle, {
      id: 'ID',
      env: environmentOf(process.env ?? [], () => '/'),
      plan,
      cgroup: undefined,
      cgroupFds: [],
      cgroups: cgroupViewOf(context.hierarchy, linux, groupToBe(context, linux)),
      consoleSocket: process.terminal === true ? 0 : undefined,
      seccomp: seccomp.credentials,
      gate: { wait: 0, report: 0, reports: 0, closeChildEnds: () => undefined },
      stdio: ['ignore', 'ignore', 'ignore'],
      preserveFds: [],
      keyring: true,
      noPivot: false,
      meanwhile: undefined,
    }),
  )
  return [runtime, ...programs].map(explain).join('\n')
}

/** Where the group of a container would be, in the words of one that is. */
function groupToBe(
  { cgroupManager, hierarchy }: OciContext,
  linux: ConfigLinux | undefined,
): Pick<Cgroup, 'paths'> | undefined {
  if (cgroupManager !== 'cgroupfs') return undefined
  const path = cgroupPathOf(linux?.cgroupsPath, 'ID', hierarchy)
  if (typeof path !== 'string') return { paths: path }
  return { paths: Object.fromEntries(hierarchy.mounts.map((mount) => [hierarchyName(mount), path])) }
}
