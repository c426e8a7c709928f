// What the tests of hooks share.
import { expect } from '@jest/globals'
import type { ConfigHook } from '../../src/oci/config/config.js'
import { runHooks, type HookKind, type RunHooksOptions } from '../../src/oci/hooks/run-hooks.js'
import { noLog } from '../../src/oci/log.js'
import type { OciState } from '../../src/oci/state/status.js'

/** The state of a container whose process is this one. */
export const stateOf = (
  bundle: string,
  annotations: Record<string, string> = {},
): Omit<OciState, 'status'> => ({
  ociVersion: '1.2.0',
  id: 'box',
  pid: process.pid,
  bundle,
  annotations,
})
/** A hook that is a script. */
export const shell = (script: string, more: Partial<ConfigHook> = {}): ConfigHook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  ...more,
})

/** Runs hooks of which one fails; resolves with the message. */
export async function failure(
  hooks: readonly ConfigHook[],
  kind: HookKind = 'createRuntime',
  options: RunHooksOptions = { log: noLog },
  state = stateOf('/'),
): Promise<string> {
  const error: unknown = await runHooks(kind, hooks, state, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ name: 'RuntimeError', code: 'ERR_RUNTIME_HOOK' })
  return (error as Error).message
}
