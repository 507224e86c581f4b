import { useEffect, useState } from "preact/hooks";

/** An image of dots, made of the value in the tab: nothing is fetched. */
export function ImageValue({ bytes, type }: { readonly bytes: Uint8Array; readonly type: string }) {
  const [url, setUrl] = useState<string | undefined>();
  const [said, setSaid] = useState(type);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes.slice()], { type }));
    setUrl(made);
    setSaid(type);
    return () => URL.revokeObjectURL(made);
  }, [bytes, type]);
  return (
    <figure class="value image">
      {url !== undefined && (
        <img
          src={url}
          alt="What the key holds"
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
            setSaid(`${type}, ${naturalWidth} × ${naturalHeight}`)
          }
          onError={() => setSaid(`${type}, which this browser cannot show`)}
        />
      )}
      <figcaption class="quiet">{said}</figcaption>
    </figure>
  );
}
