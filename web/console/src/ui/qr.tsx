// A QR code as vectors, so that it prints sharply and no image is fetched.
import { encode } from "uqr";

export function Qr(props: { text: string; label: string }) {
  const { data, size } = encode(props.text, { ecc: "M", border: 2 });
  let path = "";
  data.forEach((row, y) => row.forEach((dark, x) => {
    if (dark) path += `M${x} ${y}h1v1h-1z`;
  }));
  return <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={props.label}><path d={path} shapeRendering="crispEdges" /></svg>;
}
