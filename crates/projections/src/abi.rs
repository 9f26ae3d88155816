//! The logs that are read.

alloy_sol_types::sol! {
    event CollectionCreated(
        address indexed collection, address indexed admin, bytes32 indexed salt
    );
    event CollectionInitialized(
        string name, string symbol, string contractURI, string baseURI, uint8 contentMode,
        address trustedForwarder
    );
    event ItemsMinted(uint256 indexed word, uint256 mask, uint256 firstTokenId, bytes contents);
    event BaseURIUpdated(string baseURI);
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event MetadataUpdate(uint256 tokenId);
    event BatchMetadataUpdate(uint256 fromTokenId, uint256 toTokenId);
}
