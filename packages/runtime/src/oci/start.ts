import { pidfdSendSignal } from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import type { Config } from './config/config.js'
import type { OciContext } from './context.js'
import { commandFailure } from './find-command.js'
import { runHooks } from './hooks/run-hooks.js'
import { foreignNamespaces } from './namespaces.js'
import { environmentOf } from './process/environment.js'
import type { ContainerState } from './state/container-state.js'
import { prepareSeccomp } from './seccomp.js'
import { openGate } from './state/start-gate.js'
import { ociState, openInit, type ContainerStatus } from './state/status.js'

const SIGKILL = 9

/** The container that is to be started. */
export interface ToStart {
  readonly state: ContainerState
  readonly config: Config
  readonly status: ContainerStatus
}

/**
 * Lets the process of a container execute its command: hooks inside it, the gate, hooks outside (runtime.md,
 * lifecycle).
 *
 * @param folder - The container's folder.
 * @throws {@link RuntimeError}
 */
export async function startContainer(
  { log }: OciContext,
  folder: string,
  { state, config, status }: ToStart,
): Promise<void> {
  if (status === 'stopped') {
    throw new RuntimeError('ERR_RUNTIME_NOT_RUNNING', 'cannot start a container that has stopped')
  }
  using init = openInit(state)
  using gate = status === 'created' ? openGate(folder) : undefined
  if (init === undefined || gate === undefined) {
    throw new RuntimeError('ERR_RUNTIME_RUNNING', 'cannot start an already running container')
  }
  const { hooks } = config
  const pid = state.pid!
  try {
    if (hooks?.startContainer !== undefined) {
      const env = environmentOf(config.process?.env ?? [], () => '/')
      using seccomp = prepareSeccomp(config.linux?.seccomp, log)
      const { seccompListener } = seccomp.credentials
      const inContainer = {
        pidfd: init.number,
        kinds: foreignNamespaces(pid, init.number),
        env,
        // the command's filter holds for its hooks, unless somebody would have to answer for each
        ...(seccompListener === undefined ? seccomp.credentials : {}),
      }
      await runHooks('startContainer', hooks.startContainer, ociState(state, 'created'), { log, inContainer })
    }
    gate.release()
    const failure = await gate.outcome()
    if (failure !== undefined) throw commandFailure(config.process?.args ?? [], -failure.result)
    await runHooks('poststart', hooks?.poststart, ociState(state, 'running'), { log })
  } catch (error) {
    pidfdSendSignal(init.number, SIGKILL)
    throw error
  }
}
