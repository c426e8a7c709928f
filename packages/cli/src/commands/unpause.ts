import { eachContainer } from './each-container.js'

/** `ctrjs unpause`. */
export const define = eachContainer((container) => container.unpause())
