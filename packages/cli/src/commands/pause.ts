import { eachContainer } from './each-container.js'

/** `ctrjs pause`. */
export const define = eachContainer((container) => container.pause())
