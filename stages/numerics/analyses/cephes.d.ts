declare module 'cephes' {
  /** The p at which the regularised incomplete beta function I_p(a, b) equals y: a quantile of the beta distribution. */
  function incbi(a: number, b: number, y: number): number;
  /** Φ⁻¹, the quantile of the normal distribution. */
  function ndtri(p: number): number;

  export { incbi, ndtri };
}
