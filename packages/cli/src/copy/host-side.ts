import { resolve } from 'node:path'
import { packInside, statInside, unpackInside } from '@ctr/overlay'
import type { CopySide } from './copy-side.js'
import { statusUnlessMissing } from './status.js'

/** Files of the host, as the caller sees them. */
export const hostSide: CopySide = {
  stat: (path) => statusUnlessMissing(() => statInside('/', absolute(path))),
  pack: (path, request) => Promise.resolve({ tar: packInside('/', absolute(path), request).tar }),
  unpack: (tar, folder, request) =>
    unpackInside(tar, '/', absolute(folder), { ...request, keepsKinds: true }),
}

/** A slash or a dot at the end says that a folder is meant. */
function absolute(path: string): string {
  return `${resolve(path)}${/(^|\/)\.?$/.exec(path)?.[0] ?? ''}`
}
