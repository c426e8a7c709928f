/** Limits of block devices. v1 `blkio`, v2 `io`. Partitions cannot be limited, only whole devices. */
export interface BlockIoResources {
  /**
   * Share of the device against other groups, 10 to 1000. v1 `blkio.bfq.weight` (or `blkio.weight` of kernels before
   * 5.0), v2 `io.bfq.weight`, else `io.weight` with the range stretched to 1 to 10000.
   */
  readonly weight?: number | undefined
  /** Share of the group's own processes against its child groups, 10 to 1000. v1 of kernels before 5.0 only. */
  readonly leafWeight?: number | undefined
  /** Weights for single devices. BFQ forgets them when `weight` is written again: give both then. */
  readonly weightDevice?: readonly WeightDevice[] | undefined
  /** Bytes a second that may be read. */
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[] | undefined
  /** Bytes a second that may be written. */
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[] | undefined
  /** Reads a second. */
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[] | undefined
  /** Writes a second. */
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[] | undefined
}

/** A block device by its numbers. */
export interface BlockDevice {
  readonly major: number
  readonly minor: number
}

/** Weights for one device, as those of {@link BlockIoResources}. */
export interface WeightDevice extends BlockDevice {
  readonly weight?: number | undefined
  readonly leafWeight?: number | undefined
}

/** A limit of one device. */
export interface ThrottleDevice extends BlockDevice {
  /** Bytes or operations **a second**, from 1. */
  readonly rate: number | 'max'
}
