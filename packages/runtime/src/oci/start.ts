import { pidfdSendSignal } from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import type { Config } from './config/config.js'
import type { OciContext } from './context.js'
import { commandFailure } from './find-command.js'
import { runHooks } from './hooks/run-hooks.js'
import { foreignNamespaces } from './namespaces.js'
import { forwardReady, openNotify } from './notify.js'
import { environmentOf } from './process/environment.js'
import type { NotifySocket } from './process/notify-socket.js'
import type { ContainerState } from './state/container-state.js'
import { prepareSeccomp } from './seccomp.js'
import type { LockedContainer } from './state/locked-container.js'
import { openGate } from './state/start-gate.js'
import { ociState, openInit, type ContainerStatus } from './state/status.js'

const SIGKILL = 9

/** The container that is to be started. */
export interface ToStart {
  readonly state: ContainerState
  readonly config: Config
  readonly status: ContainerStatus
}

/** Settings of `start`. */
export interface StartOptions {
  /** `NOTIFY_SOCKET` of a service manager that is to know when the container is ready. It must be made with one. */
  readonly notifySocket?: string | undefined
}

/** A container that executes its command. */
export interface Started {
  /**
   * Resolves when it has said that it is ready (sd_notify(3)) and the service manager knows, or when it has ended:
   * whether it was. At once with true where nobody waits for it.
   */
  readonly ready: Promise<boolean>
}

/**
 * Lets the process of a container execute its command: hooks inside it, the gate, hooks outside (runtime.md,
 * lifecycle).
 *
 * @param container - Locked; unlocked once its command is executed, so that hooks outside can work on it.
 * @throws {@link RuntimeError}
 */
export async function startContainer(
  { log }: OciContext,
  container: LockedContainer,
  { state, config, status }: ToStart,
  { notifySocket }: StartOptions,
): Promise<Started> {
  if (status === 'stopped') {
    throw new RuntimeError('ERR_RUNTIME_NOT_RUNNING', 'cannot start a container that has stopped')
  }
  using init = openInit(state)
  using gate = status === 'created' ? openGate(container.folder) : undefined
  if (init === undefined || gate === undefined) {
    throw new RuntimeError('ERR_RUNTIME_RUNNING', 'cannot start an already running container')
  }
  const { hooks } = config
  const pid = state.pid!
  let notify: NotifySocket | undefined
  try {
    if (config.process === undefined) {
      throw new RuntimeError('ERR_RUNTIME_CONFIG', 'cannot start a container whose config has no process')
    }
    if (hooks?.startContainer !== undefined) {
      const env = environmentOf(config.process.env ?? [], () => '/')
      using seccomp = await prepareSeccomp(config.linux?.seccomp, log)
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
    notify = openNotify(container.folder, notifySocket)
    gate.release()
    const failure = await gate.outcome()
    if (failure !== undefined) throw commandFailure(config.process.args, -failure.result)
    container[Symbol.dispose]()
    await runHooks('poststart', hooks?.poststart, ociState(state, 'running'), { log })
    return {
      ready:
        notify === undefined ? Promise.resolve(true) : forwardReady(notify, notifySocket!, { state, log }),
    }
  } catch (error) {
    notify?.[Symbol.dispose]()
    pidfdSendSignal(init.number, SIGKILL)
    throw error
  }
}
