import type { Container } from '@ctr/runtime'
import type { CopySide } from '../../copy/copy-side.js'
import { statusUnlessMissing } from '../../copy/status.js'

/** Files of a container, running or not. */
export function containerSide({ files }: Container): CopySide {
  return {
    stat: (path) => statusUnlessMissing(() => files.stat(path)),
    pack: async (path, { name, signal }) => ({ tar: (await files.copyOut(path, { name, signal })).tar }),
    unpack: (tar, folder, { owner, signal }) =>
      files.copyIn(tar, folder, { owner, signal, keepsKinds: true }),
  }
}
