import { temporaryFolder } from '@ctr/testing'
import { Runtime } from '../../src/index.js'
import { addBusybox } from './busybox.js'

/** A runtime in a temporary folder, with the busybox image; everything of it goes at the end of the block. */
export async function openRuntime(): Promise<
  { readonly runtime: Runtime; readonly folder: string } & AsyncDisposable
> {
  const folder = temporaryFolder('ctr-runtime-')
  const runtime = await Runtime.open({ root: `${folder.path}/root`, state: `${folder.path}/state` })
  await addBusybox(runtime)
  return {
    runtime,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await runtime.reset()
      await runtime.close()
      folder[Symbol.dispose]()
    },
  }
}
