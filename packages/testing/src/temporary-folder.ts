import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Makes a folder that goes with the test: `using folder = temporaryFolder()`.
 *
 * @param prefix - Start of the folder's name below the system's temporary folder.
 */
export function temporaryFolder(prefix = 'ctr-test-'): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), prefix))
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true })
    },
  }
}
