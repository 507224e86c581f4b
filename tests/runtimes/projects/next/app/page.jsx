"use client";
import * as dynakv from "@dynakv/client";
import { useEffect, useState } from "react";
import { calls } from "../calls.mjs";

export default function Page() {
  const [client, setClient] = useState("");
  useEffect(() => {
    const address = new URLSearchParams(location.search).get("address");
    calls(dynakv, address).then(setClient, (error) => setClient(String(error)));
  }, []);
  return <output>{client}</output>;
}
